#!/usr/bin/env python3
"""Cuts the test data of this directory out of the full simulated data set.

usage: cut.py FULL_DATA_SET HERE        (needs h5py, numpy and polars)
"""
import sys
from pathlib import Path

import h5py
import numpy as np
import polars as pl

full, here = Path(sys.argv[1]), Path(sys.argv[2])
KEPT = [0, 1, 3]


def gzip(group, name, data):
    rows = min(64, data.shape[0])
    return group.create_dataset(name, data=data, chunks=(rows, data.shape[1]), compression=9, shuffle=True)


def attributes(of, to):
    for name, value in of.attrs.items():
        to.attrs[name] = value


def merger(source, target):
    """Events 0, 1 and 3 of a merger file; event 2 is left out and so is missing."""
    with h5py.File(source) as old, h5py.File(target, "w", libver="earliest") as new:
        events = new.create_group("events")
        attributes(old["events"], events)
        events.attrs["max_event"] = np.uint64(3)
        for n in KEPT:
            old.copy(f"events/event_{n}", events)
        old.copy("scalers", new)


def legacy(source, target):
    with h5py.File(source) as old, h5py.File(target, "w", libver="earliest") as new:
        meta = old["meta/meta"][:]
        meta[2] = 3
        new["meta/meta"] = meta
        for n in KEPT:
            for name in (f"get/evt{n}_data", f"get/evt{n}_header", f"frib/evt/evt{n}_1903",
                         f"frib/evt/evt{n}_977", f"frib/evt/evt{n}_header"):
                parent = new.require_group(name.rsplit("/", 1)[0])
                old.copy(name, parent)
        old.copy("frib/runinfo", new["frib"])
        old.copy("frib/scaler", new["frib"])


def harmonized(source, target):
    """The same events as the harmonizer writes them: contiguous arrays, where each came from."""
    with h5py.File(source) as old, h5py.File(target, "w", libver="earliest") as new:
        events = new.create_group("events")
        events.attrs["version"] = "harmonizer:0.1.0"
        events.attrs["min_event"] = np.uint64(0)
        events.attrs["max_event"] = np.uint64(len(KEPT))
        for m, n in enumerate(KEPT):
            was, now = old[f"events/event_{n}"], events.create_group(f"event_{m}")
            now.attrs["orig_run"] = np.int32(101)
            now.attrs["orig_event"] = np.uint64(n)
            attributes(was["get_traces"], now.create_dataset("get_traces", data=was["get_traces"][:]))
            frib = now.create_group("frib_physics")
            frib.attrs["event"] = was["frib_physics"].attrs["id"]
            frib.attrs["timestamp"] = was["frib_physics"].attrs["timestamp"]
            frib["977"] = was["frib_physics/977"][:]
            gzip(frib, "1903", was["frib_physics/1903"][:])


def traces(source, target):
    """Raw traces and Spyral's peaks on them."""
    old = np.load(source)
    with h5py.File(target, "w", libver="earliest") as new:
        gzip(new, "raw", old["raw"])
        truncated = np.trunc(old["subtracted"]).astype(np.int16)
        gzip(new, "subtracted", truncated)
        new["peaks"] = old["peaks"]
        new["peaks"].attrs["columns"] = ",".join(old["peak_columns"])


def garfield(source, grid, target, samples):
    """Clouds of the first events, and every 7th by 37th node of the correction grid, with some near the ends."""
    with h5py.File(source) as old, h5py.File(target, "w", libver="earliest") as new:
        cloud = new.create_group("cloud")
        attributes(old["cloud"], cloud)
        for n in range(1, 5):
            old.copy(f"cloud/cloud_{n}", cloud)
    corrections = np.load(grid)["grid"]
    with open(samples, "w") as text:
        text.write("rho_mm,z_mm,rho_shift_mm,transverse_mm,z_shift_mm\n")
        for rho in range(0, corrections.shape[0], 7):
            for z in sorted({*range(0, corrections.shape[1], 37), 1, 3, 9, 10, 11, 998, 1000}):
                text.write(f"{rho},{z}," + ",".join(f"{c:.9g}" for c in corrections[rho, z]) + "\n")


def reference(source, target):
    """The reference of run 104 as it is; its scaler table as text, because it is packed with zstd."""
    for name in ("run_0104.h5", "run_0104_gated_ic_scaler.txt"):
        (target / name).write_bytes((source / name).read_bytes())
    pl.read_parquet(source / "run_0104_scaler.parquet").write_csv(target / "run_0104_scaler.csv")


reference(full / "reference/Pointcloud", here / "reference")
merger(full / "raw/run_0101.h5", here / "layouts/merger1/run_0101.h5")
merger(full / "raw_merger2/run_0101.h5", here / "layouts/merger2/run_0101.h5")
legacy(full / "raw_legacy/run_0101.h5", here / "layouts/legacy/run_0101.h5")
harmonized(full / "raw/run_0101.h5", here / "layouts/harmonized/run_0101.h5")
traces(full / "reference/trace_examples.npz", here / "reference/trace_examples.h5")
garfield(full / "reference_garfield/Pointcloud/run_0104.h5", full / "reference_garfield/correction_grid.npz",
         here / "garfield/run_0104.h5", here / "garfield/correction_grid.csv")

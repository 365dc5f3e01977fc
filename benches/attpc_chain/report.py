#!/usr/bin/env python3
"""Words for the raw numbers of a bench: cost per trace, ratio, peak memory.

usage: report.py RUN_DIR RUN.h5
"""
import json
import sys
from pathlib import Path

import h5py


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main(out, run):
    events = h5py.File(run)["events"]
    traces = sum(event["get_traces"].shape[0] for event in events.values())
    spyral = records(out / "attpc_pointcloud.spyral.jsonl")
    ours = records(out / "attpc_pointcloud.attpc.jsonl")
    # The first repetition of Spyral compiles; ours has no such difference.
    best = {
        "spyral 1.1.2, warm": min(r["cpu_s"] for r in spyral[1:]),
        "attpc": min(r["cpu_s"] for r in ours),
    }
    print(f"{len(events)} events, {traces} traces, {run.stat().st_size / 1e6:.0f} MB uncompressed")
    for name, seconds in best.items():
        print(f"{name}: {seconds:.2f} s CPU, {seconds / traces * 1e6:.2f} us per trace")
    print(f"spyral 1.1.2, cold: {spyral[0]['cpu_s']:.2f} s CPU")
    warm, attpc = best.values()
    print(f"ratio, warm: {warm / attpc:.1f}; cold: {spyral[0]['cpu_s'] / attpc:.1f}")
    print(f"peak memory: spyral {max(r['peak_mib'] for r in spyral)} MiB, attpc {max(r['peak_mib'] for r in ours)} MiB")
    for record in records(out / "attpc_pointcloud.attpc-2GB.jsonl"):
        print(f"attpc on a run of 2 GB: {record['cpu_s']:.2f} s CPU, {record['peak_mib']} MiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

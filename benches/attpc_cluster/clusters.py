#!/usr/bin/env python3
"""Times clustering in Spyral and in attpc on the same point clouds, and compares what they find.

usage: clusters.py make CLOUD_DIR WORK_DIR TIMES          writes WORK_DIR/run_0001.h5
       clusters.py spyral CONFIG.json WORK_DIR REPEATS    one line of JSON for each repetition
       clusters.py attpc CONFIG.json WORK_DIR REPEATS COMMAND
       clusters.py report RUN_DIR WORK_DIR
"""
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

RUNS = ["run_0101.h5", "run_0102.h5", "run_0104.h5"]


def make(clouds, work, times):
    number = 0
    with h5py.File(work / "run_0001.h5", "w") as new:
        group = new.create_group("cloud")
        for _ in range(int(times)):
            for run in RUNS:
                with h5py.File(Path(clouds) / run) as old:
                    for cloud in old["cloud"].values():
                        copy = group.create_dataset(f"cloud_{number}", data=cloud[:])
                        copy.attrs.update(cloud.attrs)
                        number += 1
        group.attrs["min_event"], group.attrs["max_event"] = 0, number - 1


def record(program, repeat, cpu, wall, peak_kib):
    line = {"program": program, "repeat": repeat, "cpu_s": round(cpu, 3), "wall_s": round(wall, 3)}
    print(json.dumps(line | {"peak_mib": peak_kib // 1024}), flush=True)


class NoMessages:
    """Stands in for the queue of progress messages."""

    def put(self, message):
        pass


def spyral(config, work, repeats):
    from spyral import ClusterPhase
    from spyral.core import config as groups
    from spyral.core.schema import PhaseResult

    # NumPy's default order of equal keys depends on the machine, and with it the peer's clusters.
    argsort = np.argsort
    np.argsort = lambda *args, **named: argsort(*args, **named | {"kind": "stable"})
    given = json.loads(Path(config).read_text())["cluster"]
    kinds = {"hdbscan_parameters": groups.HdbscanParameters, "tripclust_parameters": groups.TripclustParameters,
             "continuity_join": groups.ContinuityJoinParameters}
    for name, kind in kinds.items():
        given[name] = given[name] and kind(**given[name])
    phase = ClusterPhase(groups.ClusterParameters(**given), None)
    (work / "Cluster").mkdir(exist_ok=True)
    for repeat in range(int(repeats)):
        payload = PhaseResult({"pointcloud": work / "run_0001.h5"}, True, 1)
        cpu, wall = time.process_time(), time.perf_counter()
        phase.run(payload, work, NoMessages(), np.random.default_rng(1))
        spent = (time.process_time() - cpu, time.perf_counter() - wall)
        record("spyral 1.1.2", repeat, *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def attpc(config, work, repeats, command):
    params = json.loads(Path(config).read_text())["cluster"] | {"compat": "spyral-1.1"}
    step = {
        "kernel": "attpc.cluster",
        "params": params,
        "item": {},
        "inputs": [["cloud", str(work / "run_0001.h5")]],
        "outputs": [["cluster", str(work / "attpc.h5")]],
        "cores": 1,
        "progress": None,
    }
    document = work / "step.json"
    document.write_text(json.dumps(step))
    for repeat in range(int(repeats)):
        wall = time.perf_counter()
        child = subprocess.Popen([*command.split(), str(document)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the step failed"
        cpu = usage.ru_utime + usage.ru_stime
        record("attpc", repeat, cpu, time.perf_counter() - wall, usage.ru_maxrss)


def clusters(event):
    return [event[f"cluster_{at}/cloud"][:] for at in range(event.attrs["nclusters"])]


def alike(a, b):
    """How many clusters of b have one in a with more than 95 % of points in common, and how many there are."""
    a, b = ([set(map(tuple, cluster)) for cluster in event] for event in (a, b))
    found = sum(any(len(x & y) > 0.95 * len(x | y) for x in a) for y in b)
    return found, len(b)


def report(out, work):
    ours, theirs = h5py.File(work / "attpc.h5")["cluster"], h5py.File(work / "Cluster/run_0001.h5")["cluster"]
    pairs = [(clusters(ours[name]), clusters(theirs[name])) for name in theirs]
    same = sum(len(a) == len(b) and all(map(np.array_equal, a, b)) for a, b in pairs)
    print(f"{len(pairs)} events, clusters equal point by point in {same}")
    number = sum(len(a) == len(b) for a, b in pairs)
    found, total = np.sum([alike(a, b) for a, b in pairs], axis=0)
    print(f"number of clusters equal in {number}, {found} of {total} clusters with more than 95 % of points in common")
    lines = {name: [json.loads(line) for line in (out / f"attpc_cluster.{name}.jsonl").read_text().splitlines()]
             for name in ("spyral", "attpc")}
    # The first repetition of Spyral loads libraries; ours has no such difference.
    best = [min(line["cpu_s"] for line in lines["spyral"][1:]), min(line["cpu_s"] for line in lines["attpc"])]
    for name, seconds in zip(("spyral 1.1.2, warm", "attpc"), best):
        print(f"{name}: {seconds:.2f} s CPU, {seconds / len(pairs) * 1e3:.2f} ms per event")
    print(f"ratio, warm: {best[0] / best[1]:.1f}")
    peaks = [max(line["peak_mib"] for line in lines[name]) for name in ("spyral", "attpc")]
    print(f"peak memory: spyral {peaks[0]} MiB, attpc {peaks[1]} MiB")


if __name__ == "__main__":
    what, first, directory, *rest = sys.argv[1:]
    tools = {"make": make, "spyral": spyral, "attpc": attpc, "report": report}
    tools[what](Path(first) if what == "report" else first, Path(directory), *rest)

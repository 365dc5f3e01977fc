#!/usr/bin/env python3
"""Words for the raw numbers of the bench: cost of each phase, ratios, peak memory.

usage: report.py RUN_DIR
"""
import json
import sys
from pathlib import Path

# What an item of a phase is.
UNITS = {"pointcloud": "event", "cluster": "event", "estimate": "event", "mesh": "node", "solve": "track",
         "select": "row"}
# The chain from raw traces to the tracks of one particle; the mesh is made once for all runs.
CHAIN = ["pointcloud", "cluster", "estimate", "select 2H", "solve 2H lbfgsb"]


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def best(found):
    """Least CPU seconds by phase; the first repetition of a phase that has several compiles."""
    costs = {}
    for record in found:
        warm = record["program"] == "attpc" or record["repeat"] > 0 or record["phase"].startswith("mesh")
        if warm:
            known = costs.get(record["phase"])
            if known is None or record["cpu_s"] < known["cpu_s"]:
                costs[record["phase"]] = record
    return costs


def peak(found):
    return max(record["peak_mib"] for record in found)


def chain(costs):
    return sum(costs[phase]["cpu_s"] for phase in CHAIN if phase in costs)


def compare(name, spyral, ours):
    print(f"attpc, compat = {name}")
    for phase, cost in ours.items():
        unit = UNITS[phase.split()[0]]
        each = cost["cpu_s"] / max(cost["items"], 1) * 1e3
        line = f"  {phase:<18} {each:9.4f} ms per {unit:<6}"
        if phase in spyral:
            peer = spyral[phase]
            theirs = peer["cpu_s"] / max(peer["items"], 1) * 1e3
            line += f"  Spyral {theirs:9.4f} ms   ratio {theirs / each:7.1f}"
        print(line)
    events = ours["pointcloud"]["items"]
    mine, theirs = chain(ours) / events * 1e3, chain(spyral) / events * 1e3
    print(f"  {'whole chain, 2H':<18} {mine:9.4f} ms per event   Spyral {theirs:9.4f} ms   ratio {theirs / mine:7.1f}")


def main(out):
    spyral = records(out / "attpc_chain.spyral.jsonl")
    ours = records(out / "attpc_chain.attpc.jsonl")
    warm = best(spyral)
    for compat in ("spyral-1.1", "exact"):
        compare(compat, warm, best([record for record in ours if record["compat"] == compat]))
    cold = sum(record["cpu_s"] for record in spyral if record["repeat"] == 0 and record["phase"] in CHAIN)
    print(f"Spyral, first time in a process: {cold / warm['pointcloud']['items'] * 1e3:.1f} ms per event")
    print(f"peak memory: Spyral {peak(spyral)} MiB, attpc {peak(ours)} MiB")
    for record in records(out / "attpc_chain.attpc-2GB.jsonl"):
        print(f"point cloud of a run of 2 GB: {record['cpu_s']:.2f} s CPU, {record['peak_mib']} MiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

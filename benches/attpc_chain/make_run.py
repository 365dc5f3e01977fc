#!/usr/bin/env python3
"""Makes one large raw run out of small ones, uncompressed and contiguous as the merger writes it.

usage: make_run.py OUTPUT COPIES RUN.h5 [RUN.h5 ...]

The events of all given runs are repeated COPIES times and numbered anew from 0. One more event
without traces closes the file, because Spyral skips a run's last event and both programs shall do
the same work.
"""
import sys

import h5py
import numpy as np


def main(output, copies, runs):
    sources = [h5py.File(run)["events"] for run in runs]
    traces = number = 0
    with h5py.File(output, "w") as out:
        events = out.create_group("events")
        for _ in range(copies):
            for source in sources:
                for name in sorted(source, key=lambda name: int(name.split("_")[1])):
                    traces += copy_event(source[name], events, number)
                    number += 1
        last = events.create_group(f"event_{number}")
        matrix = last.create_dataset("get_traces", data=np.zeros((0, 517), np.int16))
        set_ids(matrix, number)
        events.attrs["min_event"] = np.uint64(0)
        events.attrs["max_event"] = np.uint64(number)
        events.attrs["version"] = "libattpc_merger:1.0"
    print(f"{output}: {number} events, {traces} traces", file=sys.stderr)


def copy_event(source, events, number):
    """Copies an event under a new number and returns how many traces it holds."""
    event = events.create_group(f"event_{number}")
    matrix = event.create_dataset("get_traces", data=source["get_traces"][:])
    set_ids(matrix, number)
    if "frib_physics" in source:
        frib = event.create_group("frib_physics")
        frib.attrs["id"] = np.uint32(number)
        frib.attrs["timestamp"] = np.uint32(number)
        for name in ("1903", "977"):
            frib.create_dataset(name, data=source["frib_physics"][name][:])
    return matrix.shape[0]


def set_ids(matrix, number):
    matrix.attrs["id"] = np.uint32(number)
    matrix.attrs["timestamp"] = np.uint64(number)
    matrix.attrs["timestamp_other"] = np.uint64(number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

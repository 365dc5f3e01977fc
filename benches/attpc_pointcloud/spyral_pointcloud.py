#!/usr/bin/env python3
"""Times Spyral's point cloud phase on one run: cold (with compilation), then warm.

usage: spyral_pointcloud.py RUN.h5 DETECTOR_DIR WORK_DIR REPEATS

Prints a line of JSON for each repetition: CPU and wall seconds, peak memory in MiB.
"""
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from spyral import DetectorParameters, FribParameters, GetParameters, PadParameters
from spyral import PointcloudPhase
from spyral.core.schema import PhaseResult


class NoMessages:
    """Stands in for the queue of progress messages."""

    def put(self, message):
        pass


def phase(tables):
    return PointcloudPhase(
        GetParameters(20.0, 50.0, 20.0, 50.0, 40.0),
        FribParameters(100.0, 50.0, 20.0, 500.0, 100.0, 1100, 1),
        DetectorParameters(2.85, 45000.0, 1000.0, 25.0, 27.29, 477.29, 6.25, Path("none"), False),
        PadParameters(tables / "padxy.csv", tables / "pad_time_correction.csv", tables / "pad_scale.csv"),
    )


def main(run, tables, work, repeats):
    pointcloud = phase(tables)
    (work / "Pointcloud").mkdir(parents=True, exist_ok=True)
    for repeat in range(repeats):
        rng = np.random.default_rng(12345)
        payload = PhaseResult({"trace": run}, True, 1)
        cpu, wall = time.process_time(), time.perf_counter()
        pointcloud.run(payload, work, NoMessages(), rng)
        record = {
            "program": "spyral 1.1.2",
            "repeat": repeat,
            "cpu_s": round(time.process_time() - cpu, 3),
            "wall_s": round(time.perf_counter() - wall, 3),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

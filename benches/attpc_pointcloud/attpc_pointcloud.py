#!/usr/bin/env python3
"""Times `attpc kernel run` on one run: CPU and wall seconds, peak memory of the whole process.

usage: attpc_pointcloud.py ATTPC RUN.h5 WORK_DIR REPEATS

Start of the program, reading and writing are all inside the figures. Prints a line of JSON for each
repetition.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "examples/01-attpc/detector"


def spec(run, work):
    return {
        "kernel": "attpc.pointcloud",
        "params": {
            "compat": "spyral-1.1",
            "detector": {"micromegas_time_bucket": 27.29, "window_time_bucket": 477.29},
            "pad": {
                "pad_geometry_path": str(TABLES / "padxy.csv"),
                "pad_time_path": str(TABLES / "pad_time_correction.csv"),
                "pad_scale_path": str(TABLES / "pad_scale.csv"),
                "beam_pads_path": str(TABLES / "beam_pads.csv"),
            },
        },
        "item": {"run": 1},
        "inputs": [["raw", str(run)]],
        "outputs": [
            ["cloud", str(work / "run_0001.cloud.h5")],
            ["scaler", str(work / "run_0001_scaler.parquet")],
            ["gated_ic", str(work / "run_0001_gated_ic_scaler.txt")],
        ],
        "cores": 1,
        "progress": None,
    }


def main(program, run, work, repeats):
    document = work / "step.json"
    document.write_text(json.dumps(spec(run, work)))
    for repeat in range(repeats):
        wall = time.perf_counter()
        child = subprocess.Popen([program, "kernel", "run", str(document)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        record = {
            "program": "attpc",
            "repeat": repeat,
            "status": os.waitstatus_to_exitcode(status),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
            "wall_s": round(time.perf_counter() - wall, 3),
            "peak_mib": usage.ru_maxrss // 1024,
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

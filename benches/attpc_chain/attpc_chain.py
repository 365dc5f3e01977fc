#!/usr/bin/env python3
"""Times the steps of the AT-TPC chain, each as `attpc kernel run` in a process of its own, one core.

usage: attpc_chain.py ATTPC RUN.h5 DETECTOR_DIR CONFIG_DIR WORK_DIR REPEATS

Start of the program, reading and writing are inside the figures. Prints a line of JSON for each
phase and repetition: CPU and wall seconds, what was worked on, peak memory in MiB.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# Names of phases, with commas between, where not all are wanted.
PHASES = [name for name in os.environ.get("PHASES", "").split(",") if name]
DETECTOR = {"micromegas_time_bucket": 27.29, "window_time_bucket": 477.29}
GRIDS = {"2H": (0.5, 45.0, 40, 38.0, 89.0, 44), "1H": (1.0, 8.0, 24, 92.0, 150.0, 30)}
GATES = {"2H": "pid_deuteron.json", "1H": "pid_proton.json"}


def count(path):
    """Rows of a table or events of a run, counted elsewhere: what this process holds in memory would
    count as its children's."""
    script = (
        "import sys, h5py, polars as pl\n"
        "path = sys.argv[1]\n"
        "print(len(h5py.File(path)['events']) if path.endswith('.h5') else len(pl.read_parquet(path)))"
    )
    return int(subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True).stdout)


class Bench:
    def __init__(self, program, work, repeats, compat):
        self.program, self.work, self.repeats, self.compat = program, work, repeats, compat

    def path(self, name):
        return str(self.work / name)

    def run(self, phase, items, step):
        """Runs a step several times and prints what it cost; `items` counts what it worked on."""
        if PHASES and phase not in PHASES:
            return
        document = self.work / "step.json"
        document.write_text(json.dumps({"item": {"run": 1}, "cores": 1, "progress": None, **step}))
        for repeat in range(self.repeats):
            wall = time.perf_counter()
            child = subprocess.Popen([self.program, "kernel", "run", str(document)], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            record = {
                "program": "attpc",
                "compat": self.compat,
                "phase": phase,
                "repeat": repeat,
                "status": os.waitstatus_to_exitcode(status),
                "cpu_s": round(usage.ru_utime + usage.ru_stime, 4),
                "wall_s": round(time.perf_counter() - wall, 4),
                "items": items() if callable(items) else items,
                "peak_mib": usage.ru_maxrss // 1024,
            }
            if record["status"] != 0:
                sys.exit(f"{phase} failed, see above")
            print(json.dumps(record), flush=True)


def solve(bench, config, compat, particle, method):
    ke_min, ke_max, ke_bins, polar_min, polar_max, polar_bins = GRIDS[particle]
    assets = [["mesh", bench.path(f"{particle}.npy")], ["mesh_info", bench.path(f"{particle}.json")]]
    bench.run(f"mesh {particle} {method}", ke_bins * polar_bins, {
        "kernel": "attpc.mesh",
        "params": {
            "particle": particle,
            "solver": {
                "n_time_steps": 300,
                "interp_ke_min": ke_min, "interp_ke_max": ke_max, "interp_ke_bins": ke_bins,
                "interp_polar_min": polar_min, "interp_polar_max": polar_max, "interp_polar_bins": polar_bins,
            },
        },
        "inputs": [["gas", str(config / "gas_D2_300Torr.json")]],
        "outputs": assets,
    })
    selection, result = bench.path(f"selection_{particle}.parquet"), bench.path(f"run_0001_{particle}.parquet")
    bench.run(f"select {particle}", lambda: count(selection), {
        "kernel": "attpc.select",
        "params": {},
        "inputs": [["estimate", bench.path("estimate.parquet")], ["pid", str(config / GATES[particle])]],
        "outputs": [["selection", selection]],
    })
    bench.run(f"solve {particle} {method}", lambda: count(result), {
        "kernel": "attpc.solve",
        "params": {"compat": compat, "solver": {"fit_method": method}, "detector": DETECTOR},
        "inputs": [["cluster", bench.path("cluster.h5")], ["estimate", selection], *assets],
        "outputs": [["result", result]],
    })


def chain(bench, run, tables, config, compat):
    events = count(str(run))
    cloud, cluster, estimate = (bench.path(name) for name in ("cloud.h5", "cluster.h5", "estimate.parquet"))
    pads = {"pad_geometry_path": "padxy.csv", "pad_time_path": "pad_time_correction.csv",
            "pad_scale_path": "pad_scale.csv", "beam_pads_path": "beam_pads.csv"}
    bench.run("pointcloud", events, {
        "kernel": "attpc.pointcloud",
        "params": {"compat": compat, "detector": DETECTOR,
                   "pad": {name: str(tables / file) for name, file in pads.items()}},
        "inputs": [["raw", str(run)]],
        "outputs": [["cloud", cloud], ["scaler", bench.path("scaler.parquet")],
                    ["gated_ic", bench.path("gated_ic.txt")]],
    })
    bench.run("cluster", events, {
        "kernel": "attpc.cluster",
        "params": {"compat": compat, "outlier_scale_factor": 0.1,
                   "hdbscan_parameters": {"min_size_scale_factor": 0.03},
                   "continuity_join": {"join_radius_fraction": 0.4, "join_z_fraction": 0.2}},
        "inputs": [["cloud", cloud]],
        "outputs": [["cluster", cluster]],
    })
    bench.run("estimate", events, {
        "kernel": "attpc.estimate",
        "params": {"compat": compat},
        "inputs": [["cluster", cluster]],
        "outputs": [["estimate", estimate]],
    })
    solve(bench, config, compat, "2H", "lbfgsb")
    solve(bench, config, compat, "1H", "leastsq")


def main(program, run, tables, config, work, repeats):
    for compat in ("spyral-1.1", "exact"):
        below = work / compat
        below.mkdir(parents=True, exist_ok=True)
        chain(Bench(program, below, repeats, compat), run, tables, config, compat)


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:6]), int(sys.argv[6]))

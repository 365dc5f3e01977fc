#!/usr/bin/env python3
"""Times Spyral's phases on one run, each cold (with compilation) and then warm.

usage: spyral_chain.py RUN.h5 DETECTOR_DIR CONFIG_DIR WORK_DIR REPEATS

Prints a line of JSON for each phase and repetition: CPU and wall seconds, what was worked on, peak
memory in MiB. The phases are called as Spyral's own pipeline calls them, one after the other.
"""
import contextlib
import json
import os
import resource
import sys
import time
import warnings
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import spyral.phases.estimation_phase as estimation
from spyral import (
    ClusterParameters,
    ClusterPhase,
    ContinuityJoinParameters,
    DetectorParameters,
    EstimateParameters,
    EstimationPhase,
    FribParameters,
    GetParameters,
    HdbscanParameters,
    InterpSolverPhase,
    PadParameters,
    PointcloudPhase,
    SolverParameters,
)
from spyral.core.schema import PhaseResult


# Spyral tells its own progress on standard output.
RECORDS = sys.stdout


class NoMessages:
    """Stands in for the queue of progress messages."""

    def put(self, message):
        pass


def write_directions_as_numbers():
    """The released estimation phase stores an Enum, which polars refuses to write."""
    released = estimation.estimate_physics

    def mended(*arguments):
        result = released(*arguments)
        if result is not None:
            result.direction = int(result.direction.value)
        return result

    estimation.estimate_physics = mended


def detector():
    return DetectorParameters(2.85, 45000.0, 1000.0, 25.0, 27.29, 477.29, 6.25, Path("none"), False)


def pointcloud(tables):
    return PointcloudPhase(
        GetParameters(20.0, 50.0, 20.0, 50.0, 40.0),
        FribParameters(100.0, 50.0, 20.0, 500.0, 100.0, 1100, 1),
        detector(),
        PadParameters(tables / "padxy.csv", tables / "pad_time_correction.csv", tables / "pad_scale.csv"),
    )


def cluster():
    parameters = ClusterParameters(
        50, HdbscanParameters(3, 0.03, 10, 10.0), None, None, ContinuityJoinParameters(0.4, 0.2), 0.5, 0.1
    )
    return ClusterPhase(parameters, detector())


def solver(config, particle, method):
    grid = {"2H": (0.5, 45.0, 40, 38.0, 89.0, 44), "1H": (1.0, 8.0, 24, 92.0, 150.0, 30)}[particle]
    name = {"2H": "pid_deuteron.json", "1H": "pid_proton.json"}[particle]
    parameters = SolverParameters(
        config / "gas_D2_300Torr.json", config / name, 900.0, 1350.0, 300, *grid, True, True, True, method
    )
    return InterpSolverPhase(parameters, detector())


def measure(name, items, repeat, work):
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    record = {
        "program": "spyral 1.1.2",
        "phase": name,
        "repeat": repeat,
        "cpu_s": round(time.process_time() - cpu, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        "items": items(result) if callable(items) else items,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(record), file=RECORDS, flush=True)
    return result


def solve(phase, payload, work, repeats, name):
    """Both fits of one particle share a mesh, which Spyral keeps in shared memory."""
    nodes = phase.solver_params.interp_ke_bins * phase.solver_params.interp_polar_bins
    measure(f"mesh {name}", nodes, 0, lambda: phase.create_assets(work))
    phase.shared_mesh_name = f"attpc_bench_{name.replace(' ', '_')}"
    handles: dict[str, SharedMemory] = {}
    phase.create_shared_data(work, handles)
    rows = lambda result: len(pl.read_parquet(result.artifacts["interp_solver"]))
    for repeat in range(repeats):
        rng = np.random.default_rng(12345)
        measure(f"solve {name}", rows, repeat, lambda: phase.run(payload, work, NoMessages(), rng))
    for handle in handles.values():
        handle.close()
        handle.unlink()


def main(run, tables, config, work, repeats):
    write_directions_as_numbers()
    for phase in ("Pointcloud", "Cluster", "Estimation", "InterpSolver", "InterpSolver_assets"):
        (work / phase).mkdir(parents=True, exist_ok=True)
    events = len(h5py.File(run)["events"])
    payload = PhaseResult({"trace": run}, True, 1)
    for name, phase in (("pointcloud", pointcloud(tables)), ("cluster", cluster()),
                        ("estimate", EstimationPhase(EstimateParameters(30, 100.0), detector()))):
        for repeat in range(repeats):
            rng = np.random.default_rng(12345)
            made = measure(name, events, repeat, lambda: phase.run(payload, work, NoMessages(), rng))
        payload = made
    solve(solver(config, "2H", "lbfgsb"), payload, work, repeats, "2H lbfgsb")
    solve(solver(config, "1H", "leastsq"), payload, work, repeats, "1H leastsq")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        main(*(Path(argument) for argument in sys.argv[1:5]), int(sys.argv[5]))

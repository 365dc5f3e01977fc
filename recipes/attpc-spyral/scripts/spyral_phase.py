"""Runs one phase of Spyral 1.1 for one run, as a step of a build: spyral_phase.py PHASE --help

Spyral's own `start_pipeline` deals runs to processes and ends a process at its first failure, with the runs that
it still had. Here a run and a phase are one step each: it fails alone, it says so, and what is done stays done.

The phases themselves are Spyral's, through its public interface. Where version 1.1.2 would not get through, or
would not repeat itself, this file says so at the spot.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import install_spyral


def check_python(environment):
    """Refuses packages that were installed by another Python, before they crash."""
    path = Path(environment) / install_spyral.PYTHON
    made_by, here = json.loads(path.read_text()), install_spyral.this_python()
    if made_by != here:
        fail(f"{environment} was made by Python {made_by}, this is {here}: attpc build environment --force")


def fail(message):
    sys.exit(f"error: {message}")


check_python(os.environ["PYTHONPATH"])

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
import spyral  # noqa: E402
from spyral.phases import estimation_phase, interp_solver_phase, schema  # noqa: E402


class Progress:
    """Stands for the queue to Spyral's display: prints a line at every tenth of a phase."""

    def __init__(self):
        self.done = 0
        self.tenth = 0

    def put(self, message):
        self.done += message.increment
        tenth = 10 * self.done // max(message.total, 1)
        if tenth > self.tenth:
            self.tenth = tenth
            print(f"{message.phase}: {10 * tenth} %", flush=True)


class Log(logging.Handler):
    """Prints what Spyral would write to its log files, and keeps it."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())
        print(f"{record.levelname.lower()}: {record.getMessage()}", flush=True)


def listen():
    log = Log()
    logger = logging.getLogger("spyral")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    return log


def parse_settings(words):
    """`group.name=value` words as nested maps; values are JSON, or else texts."""
    settings = {}
    for word in words:
        place, _, text = word.partition("=")
        *groups, name = place.split(".")
        into = settings
        for group in groups:
            into = into.setdefault(group, {})
        try:
            into[name] = json.loads(text)
        except ValueError:
            into[name] = text
    return settings


def fill(kind, values, defaults=()):
    """A parameter object of Spyral, which has no defaults; unknown and missing names are errors."""
    try:
        return kind(**{**dict(defaults), **values})
    except TypeError as error:
        fail(f"{kind.__name__}: {error}")


# Each phase is handed only the parameters that it uses, so that others do not make it stale. Spyral wants all.
UNUSED_DETECTOR = {
    "magnetic_field": np.nan,
    "electric_field": np.nan,
    "detector_length": np.nan,
    "beam_region_radius": np.nan,
    "micromegas_time_bucket": np.nan,
    "window_time_bucket": np.nan,
    "get_frequency": np.nan,
    "garfield_file_path": Path("none"),
    "do_garfield_correction": False,
}


def detector(settings):
    return fill(spyral.DetectorParameters, settings.get("detector", {}), UNUSED_DETECTOR)


def empty_table(text, artifact):
    """A table without rows, with the columns that Spyral's schema says."""
    kinds = {"int": pl.Int64, "float": pl.Float64}
    columns = json.loads(text)[artifact]["data"]
    return pl.DataFrame(schema={name: kinds[kind] for name, kind in columns.items()})


def with_columns(path, text, artifact):
    """Spyral writes a table without any column when it has no rows; the next phase then fails on it."""
    if not pl.read_parquet_schema(path):
        empty_table(text, artifact).write_parquet(path)


class Step:
    """A phase of one run in a workspace of its own, which vanishes with it."""

    def __init__(self, args, phase, inputs):
        self.args, self.phase = args, phase
        self.log = listen()
        self.inputs = {name: Path(path).absolute() for name, path in inputs.items()}
        # Beside the output, so that results are renamed and not copied.
        self.directory = tempfile.TemporaryDirectory(dir=Path(args.output).absolute().parent)
        self.workspace = Path(self.directory.name)
        phase.get_artifact_path(self.workspace).mkdir()
        phase.get_asset_storage_path(self.workspace).mkdir()

    def run(self):
        """Where the phase left its result; `None` when it did not succeed."""
        payload = spyral.PhaseResult(self.inputs, True, int(self.args.run))
        # Spyral seeds from the operating system, so its results never repeat. Ours depend on seed and run.
        random = np.random.default_rng([self.args.seed, int(self.args.run)])
        result = self.phase.run(payload, self.workspace, Progress(), random)
        if not result.successful:
            return None
        (name,) = (name for name in result.artifacts if name not in self.inputs)
        return result.artifacts[name]

    def finish(self, path):
        if path is None:
            fail(f"phase {self.phase.name} did not succeed; what it said stands above")
        shutil.move(path, self.args.output)
        self.directory.cleanup()


def pointcloud(args, settings):
    pads = {
        name: Path(path) if (path := getattr(args, name)) else spyral.DEFAULT_MAP
        for name in ("pad_geometry_path", "pad_time_path", "pad_scale_path")
    }
    parameters = detector(settings)
    phase = spyral.PointcloudPhase(
        fill(spyral.GetParameters, settings["get"]),
        fill(spyral.FribParameters, settings["frib"]),
        parameters,
        fill(spyral.PadParameters, pads),
    )
    if args.drift:
        parameters.do_garfield_correction = True
        phase.electron_correction_path = Path(args.drift)
    step = Step(args, phase, {"trace": args.input})
    cloud = step.run()
    if cloud is not None:
        scaler = cloud.with_name(f"{cloud.stem}_scaler.parquet")
        if scaler.exists():
            shutil.move(scaler, args.scaler)
        else:
            # Harmonized files have no scalers. A rule has the same outputs for all runs.
            pl.DataFrame(schema={"event": pl.Int64}).write_parquet(args.scaler)
        shutil.move(cloud.with_name(f"{cloud.stem}_gated_ic_scaler.txt"), args.gated_ic)
    step.finish(cloud)


def drift_map(args, settings):
    from spyral.correction import generate_electron_correction

    # The array is written under the name it is given only when that ends in .npy.
    generate_electron_correction(Path(args.input), Path(args.output), detector(settings))


def cluster(args, settings):
    values = dict(settings["cluster"])
    groups = {
        "hdbscan_parameters": spyral.HdbscanParameters,
        "tripclust_parameters": spyral.TripclustParameters,
        "overlap_join": spyral.OverlapJoinParameters,
        "continuity_join": spyral.ContinuityJoinParameters,
    }
    for name, kind in groups.items():
        values[name] = fill(kind, values[name]) if name in values else None
    phase = spyral.ClusterPhase(fill(spyral.ClusterParameters, values), detector(settings))
    step = Step(args, phase, {"pointcloud": args.input})
    step.finish(step.run())


def estimate(args, settings):
    # Version 1.1.2 puts its enumeration `Direction` into the table, which polars refuses, so that the phase fails
    # on every run. The number behind it is what the published schema and the next phase want.
    estimate_physics = estimation_phase.estimate_physics

    def with_plain_direction(*words):
        result = estimate_physics(*words)
        if result is not None:
            result.direction = int(getattr(result.direction, "value", result.direction))
        return result

    estimation_phase.estimate_physics = with_plain_direction
    phase = spyral.EstimationPhase(fill(spyral.EstimateParameters, settings["estimate"]), detector(settings))
    step = Step(args, phase, {"cluster": args.input})
    path = step.run()
    if path is not None:
        with_columns(path, schema.ESTIMATE_SCHEMA, "estimation")
    step.finish(path)


def solver_parameters(settings, gas, particle_id):
    paths = {"gas_data_path": Path(gas), "particle_id_filename": Path(particle_id)}
    unused = {
        "ic_min_val": np.nan,
        "ic_max_val": np.nan,
        "fit_vertex_rho": True,
        "fit_vertex_phi": True,
        "fit_azimuthal": True,
        "fit_method": "lbfgsb",
    }
    return fill(spyral.SolverParameters, {**settings["solver"], **paths}, unused)


def mesh(args, settings):
    with tempfile.TemporaryDirectory() as directory:
        # The mesh depends on the nucleus, not on the polygon that was drawn around it.
        particle_id = Path(directory) / "particle.json"
        particle_id.write_text(json.dumps({"name": "", "vertices": [[0, 0], [1, 0], [0, 1], [0, 0]], **settings["particle"]}))
        phase = spyral.InterpSolverPhase(solver_parameters(settings, args.input, particle_id), detector(settings))
        phase.get_asset_storage_path = lambda workspace: workspace
        output = Path(args.output)
        output.mkdir(exist_ok=True)
        phase.create_assets(output)


def solve(args, settings):
    parameters = solver_parameters(settings, args.gas, args.particle_id)
    phase = spyral.InterpSolverPhase(parameters, detector(settings))
    inputs = {"estimation": args.input, "cluster": args.cluster}
    step = Step(args, phase, inputs)

    def refuse(*_):
        fail(f"the mesh in {args.mesh} was made with other parameters")

    # It would be made anew here, for each run.
    interp_solver_phase.generate_track_mesh = refuse
    for path in Path(args.mesh).absolute().iterdir():
        (phase.get_asset_storage_path(step.workspace) / path.name).symlink_to(path)
    phase.create_assets(step.workspace)
    # Spyral has one name for all shared meshes, so two steps on one machine would meet in it.
    phase.shared_mesh_name = f"attpc_spyral_{os.getpid()}"
    handles = {}
    try:
        phase.create_shared_data(step.workspace, handles)
        path = step.run()
    finally:
        for handle in handles.values():
            handle.close()
            handle.unlink()
    if path is None and any("No events within PID" in text for text in step.log.said):
        path = step.workspace / "none.parquet"
        pl.DataFrame().write_parquet(path)
    if path is not None:
        with_columns(path, schema.INTERP_SOLVER_SCHEMA, "interp_solver")
    step.finish(path)


PHASES = {
    "pointcloud": (pointcloud, ["scaler", "gated_ic", "drift", "pad_geometry_path", "pad_time_path", "pad_scale_path"]),
    "drift_map": (drift_map, []),
    "cluster": (cluster, []),
    "estimate": (estimate, []),
    "mesh": (mesh, []),
    "solve": (solve, ["cluster", "mesh", "gas", "particle_id"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    phases = parser.add_subparsers(dest="phase", required=True)
    for name, (_, files) in PHASES.items():
        phase = phases.add_parser(name)
        phase.add_argument("--input", required=True)
        phase.add_argument("--output", required=True)
        phase.add_argument("--run", default="0")
        phase.add_argument("--seed", type=int, default=0)
        for file in files:
            phase.add_argument("--" + file.replace("_", "-"), default="")
        phase.add_argument("settings", nargs="*", metavar="GROUP.NAME=VALUE")
    args = parser.parse_args()
    function, _ = PHASES[args.phase]
    function(args, parse_settings(args.settings))


if __name__ == "__main__":
    main()

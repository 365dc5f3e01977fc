#!/bin/sh
# Tries the recipe attpc-spyral for real: try_spyral_recipe.sh [ATTPC] [DIRECTORY]
#
# Makes a project from the recipe, links the raw runs of the example, lets pip install Spyral, runs its four phases on
# them, and checks that their tables come out with rows, once, and not again. It needs Python 3.11 or 3.12, pip, the
# network, 1 GB of disk and about two to three minutes on two cores, which is why it is not among the tests.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
attpc=${1:-$root/target/release/attpc}
project=${2:-$(mktemp -d)/project}
data=$root/tests/data/attpc

"$attpc" init --recipe attpc-spyral "$project"
cd "$project"
mkdir raw
ln -s "$root"/examples/01-attpc/raw/run_*.h5 raw/
cp "$data/config/gas_D2_300Torr.json" gas.json
cp "$data/config/pid_deuteron.json" pid_2H.json

# The simulated detector of the example, and a mesh that is made in seconds.
"$attpc" build -k -j 2 \
    --set detector.micromegas_time_bucket=27.29 --set detector.window_time_bucket=477.29 \
    --set cluster.hdbscan_parameters.min_size_scale_factor=0.03 --set cluster.outlier_scale_factor=0.1 \
    --set cluster.continuity_join.join_radius_fraction=0.4 \
    --set solver.2H.n_time_steps=300 --set solver.2H.interp_ke_min=0.5 --set solver.2H.interp_ke_max=45.0 \
    --set solver.2H.interp_ke_bins=40 --set solver.2H.interp_polar_min=38.0 \
    --set solver.2H.interp_polar_max=89.0 --set solver.2H.interp_polar_bins=44 | tee build.txt

PYTHONPATH=environment PYTHONDONTWRITEBYTECODE=1 python3 - <<'CHECK'
import polars

expected = {"0102": (43, 28), "0104": (18, 9)}
for run, (estimates, tracks) in expected.items():
    found = [len(polars.read_parquet(f"work/{phase}/run_{run}{end}.parquet"))
             for phase, end in (("Estimation", ""), ("InterpSolver", "_2H"))]
    # The smear of times is not that of the reference, which may move a row over a border.
    near = all(abs(n - m) <= 2 for n, m in zip(found, (estimates, tracks)))
    print(f"run {run}: {found[0]} estimates and {found[1]} tracks, the reference has {estimates} and {tracks}")
    if not near:
        raise SystemExit("error: that is too far from the reference")
CHECK
echo "the recipe works; the project is in $project"

#!/bin/sh
# Tries the recipe attpc-spyral for real: try_spyral_recipe.sh [ATTPC] [DIRECTORY]
#
# Makes a project from the recipe, links the raw runs of the example, lets pip install Spyral, runs its four phases on
# them, and checks that their tables come out with rows, and that a second build has nothing to do. It needs Python
# 3.11 or 3.12, pip, the network, 1 GB of disk and about two minutes on two cores, which is why it is not among the
# tests.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
attpc=${1:-$root/target/release/attpc}
project=${2:-$(mktemp -d)/project}

# The simulated detector of the example, and a mesh that is made in seconds.
build() {
    "$attpc" build -k \
        --set detector.micromegas_time_bucket=27.29 --set detector.window_time_bucket=477.29 \
        --set cluster.hdbscan_parameters.min_size_scale_factor=0.03 \
        --set cluster.outlier_scale_factor=0.1 --set cluster.continuity_join.join_radius_fraction=0.4 \
        --set solver.2H.n_time_steps=300 --set solver.2H.interp_ke_min=0.5 \
        --set solver.2H.interp_ke_max=45.0 --set solver.2H.interp_ke_bins=40 \
        --set solver.2H.interp_polar_min=38.0 --set solver.2H.interp_polar_max=89.0 \
        --set solver.2H.interp_polar_bins=44 "$@"
}

"$attpc" init --recipe attpc-spyral "$project"
cd "$project"
mkdir raw
ln -s "$root"/examples/01-attpc/raw/run_*.h5 raw/
cp "$root/tests/data/attpc/config/gas_D2_300Torr.json" gas.json
cp "$root/tests/data/attpc/config/pid_deuteron.json" pid_2H.json
build

PYTHONPATH=environment PYTHONDONTWRITEBYTECODE=1 python3 - <<'CHECK'
import polars

# Of run 104 these are the numbers of the reference in tests/data/attpc; of run 102 the example has a part only.
expected = {"0102": (10, 6), "0104": (18, 9)}
for run, wanted in expected.items():
    places = f"Estimation/run_{run}", f"InterpSolver/run_{run}_2H"
    found = [len(polars.read_parquet(f"work/{place}.parquet")) for place in places]
    print(f"run {run}: {found[0]} estimates and {found[1]} tracks, expected {wanted[0]} and {wanted[1]}")
    # The smear of times is not that of the reference, which may move a row over a border.
    if any(abs(n - m) > 1 for n, m in zip(found, wanted)):
        raise SystemExit("error: that is too far from what is expected")
CHECK

build 2>&1 | grep -q "nothing to do" || { echo "error: the second build ran something" >&2; exit 1; }
echo "the recipe works; the project is in $project"

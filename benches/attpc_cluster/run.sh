#!/bin/sh
# Times the clustering of attpc beside Spyral's on the same point clouds, on one core.
#
# usage: benches/attpc_cluster/run.sh [OUT_DIR]
#
# Raw numbers go to OUT_DIR (default: benches/runs/<date>-<cores>core-<machine>). Needs Python 3.11 with venv,
# a C++ compiler and Eigen (Debian: libeigen3-dev), because a package that Spyral needs is built from source.
# WORK names the scratch directory; PYTHON a Python that has Spyral; ATTPC the command that runs a step document;
# CONFIG the parameters, of HDBSCAN if not given (for triplets: benches/attpc_cluster/tripclust.json).
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
here=$root/benches/attpc_cluster
config=${CONFIG:-$root/tests/data/attpc/config/spyral_config.json}
work=${WORK:-${TMPDIR:-/tmp}/attpc-bench-cluster}
out=${1:-$root/benches/runs/$(date +%F)-$(nproc)core-$(uname -m)}
mkdir -p "$work" "$out"

# One thread everywhere: the figure is the cost on one core.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1
export NUMBA_NUM_THREADS=1 POLARS_MAX_THREADS=1

python=${PYTHON:-$work/venv/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet attpc_spyral==1.1.2
fi
if [ -z "${ATTPC:-}" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml" --bin attpc
    ATTPC="$root/target/release/attpc kernel run"
fi

"$python" "$here/clusters.py" make "$root/tests/data/attpc/reference/Pointcloud" "$work" "${TIMES:-10}"
"$python" "$here/clusters.py" spyral "$config" "$work" 3 \
    > "$out/attpc_cluster.spyral.jsonl"
"$python" "$here/clusters.py" attpc "$config" "$work" 5 "$ATTPC" \
    > "$out/attpc_cluster.attpc.jsonl"
"$python" "$here/clusters.py" report "$out" "$work" | tee "$out/attpc_cluster.txt"

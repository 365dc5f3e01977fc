#!/bin/sh
# Times the point cloud of attpc beside Spyral's on the same run file, on one core.
#
# usage: benches/attpc_pointcloud/run.sh [OUT_DIR]
#
# Raw numbers go to OUT_DIR (default: benches/runs/<date>-<cores>core-<machine>). Needs Python 3.11 with venv,
# a C++ compiler and Eigen (Debian: libeigen3-dev), because a package that Spyral needs is built from source.
# WORK names the scratch directory (about 1 GB); BIG=1 adds a run of 2 GB to show that memory stays bounded.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
here=$root/benches/attpc_pointcloud
work=${WORK:-${TMPDIR:-/tmp}/attpc-bench-pointcloud}
out=${1:-$root/benches/runs/$(date +%F)-$(nproc)core-$(uname -m)}
mkdir -p "$work" "$out"

# One thread everywhere: the figure is the cost on one core.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1
export NUMBA_NUM_THREADS=1 POLARS_MAX_THREADS=1

if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet attpc_spyral==1.1.2
fi
python=$work/venv/bin/python
cargo build --release --manifest-path "$root/Cargo.toml" --bin attpc

runs="$root/examples/01-attpc/raw/run_0102.h5 $root/examples/01-attpc/raw/run_0104.h5"
# shellcheck disable=SC2086 # the list is meant to be split
[ -f "$work/run_0001.h5" ] || "$python" "$here/make_run.py" "$work/run_0001.h5" 24 $runs

"$python" "$here/spyral_pointcloud.py" "$work/run_0001.h5" "$root/examples/01-attpc/detector" "$work/spyral" 4 \
    > "$out/attpc_pointcloud.spyral.jsonl"
"$python" "$here/attpc_pointcloud.py" "$root/target/release/attpc" "$work/run_0001.h5" "$work" 5 \
    > "$out/attpc_pointcloud.attpc.jsonl"

if [ "${BIG:-0}" = 1 ]; then
    # shellcheck disable=SC2086
    [ -f "$work/run_0002.h5" ] || "$python" "$here/make_run.py" "$work/run_0002.h5" 220 $runs
    "$python" "$here/attpc_pointcloud.py" "$root/target/release/attpc" "$work/run_0002.h5" "$work" 1 \
        > "$out/attpc_pointcloud.attpc-2GB.jsonl"
fi
"$python" "$here/report.py" "$out" "$work/run_0001.h5" | tee "$out/attpc_pointcloud.txt"

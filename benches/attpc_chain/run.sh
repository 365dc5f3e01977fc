#!/bin/sh
# Times the AT-TPC chain of attpc beside Spyral's phases on the same run file, on one core.
#
# usage: benches/attpc_chain/run.sh [OUT_DIR]
#
# Raw numbers go to OUT_DIR (default: benches/runs/<date>-<cores>core-<machine>). Needs Python 3.11 with venv,
# a C++ compiler and Eigen (Debian: libeigen3-dev), because a package that Spyral needs is built from source.
# WORK names the scratch directory (about 1 GB); BIG=1 adds the point cloud of a run of 2 GB, to show that memory
# stays bounded. SPYRAL=0 takes Spyral's numbers from OUT_DIR.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
here=$root/benches/attpc_chain
work=${WORK:-${TMPDIR:-/tmp}/attpc-bench-chain}
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
attpc=$root/target/release/attpc
detector=$root/examples/01-attpc/detector
config=$root/tests/data/attpc/config

runs="$root/examples/01-attpc/raw/run_0102.h5 $root/examples/01-attpc/raw/run_0104.h5"
# shellcheck disable=SC2086 # the list is meant to be split
[ -f "$work/run_0001.h5" ] || "$python" "$here/make_run.py" "$work/run_0001.h5" 24 $runs

if [ "${SPYRAL:-1}" = 1 ]; then
    rm -rf "$work/spyral"
    "$python" "$here/spyral_chain.py" "$work/run_0001.h5" "$detector" "$config" "$work/spyral" 3 \
        > "$out/attpc_chain.spyral.jsonl"
fi
"$python" "$here/attpc_chain.py" "$attpc" "$work/run_0001.h5" "$detector" "$config" "$work/attpc" 5 \
    > "$out/attpc_chain.attpc.jsonl"

if [ "${BIG:-0}" = 1 ]; then
    # shellcheck disable=SC2086
    [ -f "$work/run_0002.h5" ] || "$python" "$here/make_run.py" "$work/run_0002.h5" 220 $runs
    PHASES=pointcloud "$python" "$here/attpc_chain.py" "$attpc" "$work/run_0002.h5" "$detector" "$config" "$work/big" 1 \
        > "$out/attpc_chain.attpc-2GB.jsonl"
fi
"$python" "$here/report.py" "$out" | tee "$out/attpc_chain.txt"

#!/usr/bin/env bash
# Tests and measures the GPU kernels on a machine with an NVIDIA GPU: one command, about five
# minutes, most of it building. Prints `NOT RUN` where there is no device, never silence.
#
#   benches/gpu.sh [OUTPUT]
#
# OUTPUT is where the result is written, by default benches/runs/<date>-<device>/gpu.txt.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."

nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || {
    echo "NOT RUN: nvidia-smi finds no device" >&2
    exit 4
}
device=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1 | tr ' A-Z' '-a-z')
output=${1:-benches/runs/$(date +%F)-$device/gpu.txt}
mkdir -p "$(dirname -- "$output")"
{
    date -u
    nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
    grep -m 1 'model name' /proc/cpuinfo || true
    echo "== tests on the device"
    cargo test --quiet --release --features cuda --lib -- --nocapture gpu on_device
    echo "== kernels"
    cargo bench --quiet --features cuda --bench gpu
    echo "== a run file as a step"
    cargo build --quiet --release --features cuda
    attpc=${CARGO_TARGET_DIR:-target}/release/attpc
    scratch=$(mktemp -d)
    trap 'rm -rf -- "$scratch"' EXIT
    cp -r examples/01-attpc "$scratch/project"
    for device in cpu cuda; do
        echo "-- --device $device"
        rm -rf "$scratch/project/.attpc"
        (time "$attpc" -C "$scratch/project" build pointcloud --force --device "$device") 2>&1
        (cd "$scratch/project" && find . -name 'run_*.h5' -path '*loud*' -exec sha256sum {} +) || true
    done
} 2>&1 | tee "$output"
if grep -q "NOT RUN" "$output"; then
    echo "something was not run: see $output" >&2
    exit 4
fi

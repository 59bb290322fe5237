#!/usr/bin/env bash
# Installs a build under a temporary prefix and uses it as a stranger would: docs/example is built with
# find_package(plumbline) and checked on the CPU. Its bug must be found, and with the bug mended it must pass.
#
#   ci/test_package.sh [BUILD]     default build/ci
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ci/common.sh
build=${1:-$build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
[[ -x /usr/local/cuda/bin/nvcc ]] && export CUDACXX=${CUDACXX:-/usr/local/cuda/bin/nvcc}
for fixed in OFF ON; do
  example=$scratch/example-$fixed
  { cmake -S docs/example -B "$example" -DCMAKE_PREFIX_PATH="$scratch/prefix" -DMY_RMS_NORM_FIXED=$fixed &&
    cmake --build "$example"; } > "$scratch/build.log" 2>&1 || { cat "$scratch/build.log"; exit 2; }
  code=0
  "$scratch/prefix/bin/plumbline" check --device host --library "$example/libmy_rms_norm.so" --filter rms_norm \
    --json "$scratch/check.json" > "$scratch/check.log" 2>&1 || code=$?
  expected=$([[ $fixed == ON ]] && echo 0 || echo 1)
  tail -2 "$scratch/check.log" | head -1
  if ((code != expected)); then
    cat "$scratch/check.log"
    echo "test_package.sh: with MY_RMS_NORM_FIXED=$fixed check left with $code, expected $expected" >&2
    exit 1
  fi
done
echo "package: the installed program, headers and find_package work; the example's bug is found, and mended it passes"

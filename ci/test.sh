#!/usr/bin/env bash
# All tests: formatting, the build with every architecture and warnings as errors, C++ tests, host code under
# sanitizers, fuzzing, Python tests, and what the workflow files call: the quick tier by replay, mutants, a report.
# Sets up what is missing first. Works without a GPU and without nvcc.
#
#   ci/test.sh            everything
#   ci/test.sh --fast     without the sanitizer build and the fuzzers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
source ci/common.sh
fast=${1:-}

step "set-up"
ci/setup.sh

step "formatting"
if command -v clang-format >/dev/null; then
  mapfile -t sources < <(git ls-files '*.h' '*.cpp' '*.cu' '*.cuh' 2>/dev/null)
  ((${#sources[@]})) && clang-format --dry-run -Werror "${sources[@]}"
  echo "${#sources[@]} files are formatted"
else
  echo "clang-format is not installed: formatting was not checked"
fi

step "build ($preset)"
build_preset "$preset"

if [[ $fast != --fast ]]; then
  step "host code under AddressSanitizer and UndefinedBehaviorSanitizer: build"
  build_preset asan plumbline reference_tests harness_tests

  step "host code under AddressSanitizer and UndefinedBehaviorSanitizer: C++ tests"
  ctest --preset asan -j "$jobs" --output-on-failure

  step "fuzzing"
  ci/fuzz.sh 20
fi

step "machine code of every kernel against golden/fingerprint.json"
if [[ -e $build/libplumbline_optimized.so ]]; then
  ci/fingerprint.py "$build/libplumbline_optimized.so"
else
  echo "no nvcc: the optimized library was not built, so registers, spills and wide accesses were not compared"
fi

step "the installed package"
ci/test_package.sh

# What the workflow files call, whole, with the small matrix: ci/nightly.sh, and ci/check_gpu.sh within it.
step "the lines of ci/workflows"
PLUMBLINE_TIER=quick ci/nightly.sh build/workflow/nightly

step "Python tests"
workers=()
if "$python" -c 'import xdist' 2>/dev/null; then workers=(-n "$jobs" --dist worksteal); fi
PYTHONPATH=reports "$python" -m pytest -q "${workers[@]}" --durations=5 reports/tests
"$python" -m pytest -q "${workers[@]}" --durations=5 ci/tests

step "C++ tests"
ctest --test-dir "$build" -j "$jobs" --output-on-failure

#!/usr/bin/env bash
# All tests: formatting, the build with every architecture and warnings as errors, C++ tests, the quick tier by replay,
# host code under sanitizers, Python tests, the scripts of the workflow files, mutants. Sets up what is missing first. Works without a GPU and without nvcc.
#
#   ci/test.sh            everything
#   ci/test.sh --fast     without the sanitizer build
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
  step "host code under AddressSanitizer and UndefinedBehaviorSanitizer"
  # The references and the quick tier; harness_tests have tests of scale (millions of points, kills) that a sanitizer
  # makes too slow, and are not yet told apart from the others.
  build_preset asan plumbline
  build_preset asan reference_tests
  ctest --preset asan -j 1 --output-on-failure -E harness_tests
fi

step "Python tests"
PYTHONPATH=reports "$python" -m pytest -q reports/tests
"$python" -m pytest -q ci/tests

step "machine code of every kernel against golden/fingerprint.json"
if [[ -e $build/libplumbline_optimized.so ]]; then
  ci/fingerprint.py "$build/libplumbline_optimized.so"
else
  echo "no nvcc: the optimized library was not built, so registers, spills and wide accesses were not compared"
fi

step "the installed package"
ci/test_package.sh

step "C++ tests"
ctest --test-dir "$build" -j 1 --output-on-failure

# What the workflow files call, whole: ci/check_gpu.sh and ci/nightly.sh with the small matrix, mutants among it.
step "the lines of ci/workflows"
PLUMBLINE_TIER=quick ci/check_gpu.sh build/workflow/check
PLUMBLINE_TIER=quick ci/nightly.sh build/workflow/nightly

#!/usr/bin/env bash
# Installs what plumbline builds and reports with; safe to run again, and quick when nothing is missing.
# Without root it changes nothing on the system and names the packages to install instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# program, header or path that must exist -> distribution package (Debian 12 and Ubuntu 22.04 or newer)
needs=(
  "cmd:g++ g++"
  "cmd:cmake cmake"
  "cmd:ninja ninja-build"
  "cmd:git git"
  "cmd:nm binutils"
  "cmd:python3 python3"
  "header:eigen3/Eigen/Core libeigen3-dev"
  "header:gtest/gtest.h libgtest-dev"
  "header:benchmark/benchmark.h libbenchmark-dev"
  "header:CLI/CLI.hpp libcli11-dev"
  "header:fmt/format.h libfmt-dev"
  "header:nlohmann/json.hpp nlohmann-json3-dev"
)
# wanted, but the build and the tests go on without them (without the history, or its tests on PostgreSQL)
wants=(
  "cmd:ccache ccache"
  "cmd:clang-format clang-format"
  "cmd:clang++ clang"  # libFuzzer
  "header:soci/soci.h libsoci-dev"
  "header:boost/math/distributions/students_t.hpp libboost-dev"
  "path:/usr/lib/postgresql/*/bin/initdb postgresql"
  "cmd:chromium chromium"  # the browser test of the report, its screenshots
)

present() {
  local kind=${1%%:*} name=${1#*:}
  case $kind in
    cmd) command -v "$name" >/dev/null ;;
    path) compgen -G "$name" >/dev/null ;;
    header) compgen -G "/usr/include/$name" >/dev/null || compgen -G "/usr/local/include/$name" >/dev/null \
      || compgen -G "/usr/include/*/$name" >/dev/null ;;
  esac
}
missing_of() {
  local row
  for row in "$@"; do
    present "${row%% *}" || echo "${row#* }"
  done
}

mapfile -t missing < <(missing_of "${needs[@]}")
mapfile -t wished < <(missing_of "${wants[@]}")
if ((${#missing[@]} + ${#wished[@]})); then
  packages=("${missing[@]}" "${wished[@]}")
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "setup: installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; } ||
      echo "setup: the package manager could not install everything" >&2
  else
    echo "setup: not root (or no apt-get); as root: apt-get install ${packages[*]}" >&2
  fi
  mapfile -t missing < <(missing_of "${needs[@]}")
  if ((${#missing[@]})); then
    echo "setup: still missing, and the build needs them: ${missing[*]}" >&2
    exit 2
  fi
fi

# libFuzzer's runtime has a package of its own, named after clang's version.
if command -v clang++ >/dev/null && [[ ! -e $(clang++ -print-file-name=libclang_rt.fuzzer-x86_64.a) ]] &&
  ! compgen -G "$(clang++ -print-resource-dir)/lib/*/libclang_rt.fuzzer*.a" >/dev/null; then
  runtime=libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev
  { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null &&
    apt-get install -y -qq --no-install-recommends "$runtime" >/dev/null 2>&1; } ||
    echo "setup: clang++ has no libFuzzer here, the fuzzers will be skipped; as root: apt-get install $runtime" >&2
fi

# The Python side: reports and their tests live in an environment of their own.
venv=${PLUMBLINE_VENV:-build/venv}
modules='import jinja2, matplotlib, numpy, pytest, safetensors, yaml'
if ! "$venv/bin/python" -c "$modules" 2>/dev/null; then
  if python3 -c "$modules" 2>/dev/null && [[ ! -e $venv ]]; then
    # the system's Python has everything already (a machine without a package index): use it as it is
    python3 -m venv --system-site-packages --without-pip "$venv"
    site=$(python3 -c 'import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))')
    echo "$site" > "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/system.pth"
  else
    echo "setup: making the Python environment $venv"
    python3 -m venv "$venv" 2>/dev/null || {
      [[ $(id -u) == 0 ]] && apt-get install -y -qq python3-venv >/dev/null && python3 -m venv "$venv"
    } || { echo "setup: python3 cannot make an environment; install python3-venv" >&2; exit 2; }
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r reports/requirements.txt || {
      echo "setup: pip could not install reports/requirements.txt; reports need: jinja2 matplotlib numpy" >&2
      exit 2
    }
  fi
fi
# The Python tests on all cores: wanted, not needed.
if ! "$venv/bin/python" -c 'import xdist' 2>/dev/null; then
  "$venv/bin/python" -m pip install -q --disable-pip-version-check 'pytest-xdist>=3' 2>/dev/null ||
    echo "setup: pip could not install pytest-xdist; the Python tests will run on one core" >&2
fi
# With a browser, what drives it: wanted, not needed.
if command -v chromium >/dev/null && ! "$venv/bin/python" -c 'import playwright' 2>/dev/null; then
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r reports/requirements-browser.txt 2>/dev/null ||
    echo "setup: pip could not install reports/requirements-browser.txt; the report's browser test will be skipped" >&2
fi
command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]] ||
  echo "setup: no nvcc: the CUDA kernels and the GPU backend are not built; everything else is" >&2
echo "setup: ready"

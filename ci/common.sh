# Shared by the scripts in ci/: where things are, and how the project is built. Source it from the project's root.

preset=${PLUMBLINE_PRESET:-ci}
build=build/$preset
python=${PLUMBLINE_VENV:-build/venv}/bin/python
jobs=${PLUMBLINE_JOBS:-$(nproc)}

step() { printf '\n== %s\n' "$*"; }

# On PATH or in its usual place; CMake looks in both.
have_nvcc() { command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; }
have_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }

# Configures and builds the preset, or one target of it.
build_preset() {
  cmake --preset "$1" > "build/configure-$1.log" 2>&1 || { cat "build/configure-$1.log"; return 2; }
  grep -h 'plumbline:' "build/configure-$1.log"
  cmake --build "build/$1" -j "$jobs" ${2:+--target "$2"}
}

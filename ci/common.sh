# Shared by the scripts in ci/: where things are, and how the project is built. Source it from the project's root.

preset=${PLUMBLINE_PRESET:-ci}
build=build/$preset
python=${PLUMBLINE_VENV:-build/venv}/bin/python
jobs=${PLUMBLINE_JOBS:-$(nproc)}

# Opens a step of the log, and closes the one before with the seconds that it took. The last stays open: a log ends
# with what its last program says.
step_name='' step_started=$SECONDS
step() {
  [[ -z $step_name ]] || printf '%s\n' "-- $((SECONDS - step_started)) s: $step_name"
  step_name=$* step_started=$SECONDS
  printf '\n== %s\n' "$*"
}

# On PATH or in its usual place; CMake looks in both.
have_nvcc() { command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; }
have_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }

# build_preset PRESET [TARGET...]     configures, and builds everything or the targets
#   PLUMBLINE_BUILD=no     takes what is there, built elsewhere
build_preset() {
  local name=$1 lock
  [[ ${PLUMBLINE_BUILD:-} != no ]] || return 0
  shift
  exec {lock}> "build/$name.lock"
  flock "$lock"  # scripts that run side by side build one after the other
  cmake --preset "$name" > "build/configure-$name.log" 2>&1 || { cat "build/configure-$name.log"; return 2; }
  grep -h 'plumbline:' "build/configure-$name.log"
  cmake --build "build/$name" -j "$jobs" ${1:+--target "$@"} || return
  exec {lock}>&-
}

# part COMMAND...     runs it and goes on; what it left with is added to codes, of which worst_of makes the end
codes=()
part() {
  local code=0
  "$@" || code=$?
  codes+=("$code")
}

# The exit code of a whole whose parts left with these codes: a mismatch (1) outweighs an error (2, or any other code),
# an error what proved nothing (3), and that a pass (0).
worst_of() {
  local code rank worst=0 codes=(0 3 2 1)
  for code; do
    case $code in 0) rank=0 ;; 3) rank=1 ;; 1) rank=3 ;; *) rank=2 ;; esac
    ((rank <= worst)) || worst=$rank
  done
  echo "${codes[worst]}"
}

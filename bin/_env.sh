# Sourced by the commands in this folder: finds a Python, builds an environment from a lock file, once.
# Everything it says goes to stderr, so that a command's own output stays clean.

readonly PYTHON_MINOR_MIN=11
readonly BUILD_WAIT_S=300
readonly EXIT_NO_ENVIRONMENT=70

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

refuse() {
  say "$*"
  exit "$EXIT_NO_ENVIRONMENT"
}

# An installed name proves nothing (it may be a shim without a version behind it): the interpreter has to run.
is_usable_python() {
  "$1" -c "import sys; sys.exit(sys.version_info < (3, $PYTHON_MINOR_MIN))" >/dev/null 2>&1
}

find_python() {
  local candidate candidates
  candidates=$(type -ap python3 python3.13 python3.12 python3.11)
  while read -r candidate; do
    if is_usable_python "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done <<<"$candidates"
  refuse "needs Python 3.$PYTHON_MINOR_MIN or newer; found on PATH:" $candidates "(none of them runs as one)." \
    "Install it (Debian, Ubuntu: apt-get install python3 python3-venv), then start again."
}

# The stamp is a copy of the lock file, written last: present and equal means finished and current.
is_current() {
  local venv=$1 lock=$2
  [[ -x $venv/bin/python && -f $venv/.lock-stamp && "$(<"$venv/.lock-stamp")" == "$(<"$lock")" ]]
}

# A finished environment is brought up to date in place, because a running scalper may still import from it;
# one without a stamp was never finished and is made anew.
build_environment() {
  local venv=$1 lock=$2 python began=$SECONDS
  if [[ -x $venv/bin/python && -f $venv/.lock-stamp ]]; then
    say "bringing ${venv##*/} up to date with ${lock##*/} ..."
    rm -f -- "$venv/.lock-stamp"
  else
    python=$(find_python) || exit
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
      refuse "$python cannot make an environment: its venv or ensurepip is missing (Debian, Ubuntu: apt-get install python3-venv)."
    say "first start: building ${venv##*/} with $("$python" --version) from ${lock##*/} (about half a minute) ..."
    "$python" -m venv --clear "$venv" >&2 || refuse "could not make $venv: is ${venv%/*} writable?"
  fi
  PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    "$venv/bin/python" -m pip install -qq --require-hashes --no-deps -r "$lock" >&2 ||
    refuse "could not install the packages of ${lock##*/}: see the lines above; the package registry must be reachable once."
  "$venv/bin/python" -m compileall -q -j 0 "${venv%/*}/scalper" >&2 || say "some modules could not be compiled ahead; going on."
  cp -- "$lock" "$venv/.lock-stamp.partial" && mv -- "$venv/.lock-stamp.partial" "$venv/.lock-stamp" ||
    refuse "could not write $venv/.lock-stamp."
  say "${venv##*/} is ready after $((SECONDS - began)) s."
}

# ensure_environment VENV LOCK: two first starts at once take turns on the lock file; the second finds the work done.
ensure_environment() {
  local venv=$1 lock=$2
  is_current "$venv" "$lock" && return
  exec 9<"$lock"
  if command -v flock >/dev/null && ! flock -n 9; then
    say "another start is building ${venv##*/}; waiting up to $BUILD_WAIT_S s ..."
    flock -w "$BUILD_WAIT_S" 9 || refuse "${venv##*/} is still being built elsewhere: try again later."
  fi
  is_current "$venv" "$lock" || build_environment "$venv" "$lock"
  exec 9<&-
}

# run_module VENV ROOT MODULE ARGS...: -P keeps a stray file in the current folder from being imported in place of ours.
run_module() {
  local venv=$1 root=$2 module=$3
  shift 3
  unset PYTHONHOME
  export PYTHONPATH=$root
  exec "$venv/bin/python" -P -m "$module" "$@"
}

# Set-up shared by ./pants, ./lake and the official Pants launcher. Sourced, never run.
#
# Pants 2.17.1 is the newest release on the package index, and would fetch its Pex command line from
# elsewhere. Here both come from the index, checked against the hashes in 3rdparty/python/*.lock:
#   - the Pex command line, built once per user from its wheel;
#   - .locks/*.lock, the form of the hashed locks that Pants verifies whenever it installs or packages.

BOOTSTRAP_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/openlake"

say() { printf '%s\n' "$*" >&2; }

fail() { say "error: $*"; return 1; }

# find_python 3.13 -> path of a working interpreter of exactly that minor version
find_python() {
  local wanted=$1 candidate
  for candidate in \
    "$(command -v "python$wanted" 2>/dev/null)" \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted".*/bin/"python$wanted" \
    "$HOME"/.local/share/uv/python/cpython-"$wanted".*/bin/"python$wanted" \
    /opt/homebrew/bin/"python$wanted" /usr/local/bin/"python$wanted" /usr/bin/"python$wanted" \
    "$(command -v python3 2>/dev/null)"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    # A pyenv shim exists for versions that are not active, and fails.
    if "$candidate" -c "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$wanted')" >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  fail "Python $wanted (with venv) is needed${2:+ $2} and was not found. Install it, for example with 'pyenv install $wanted' or 'uv python install $wanted'."
}

require_command() {
  command -v "$1" >/dev/null 2>&1 || fail "'$1' is needed $2 and was not found. Install it with your system's package manager."
}

# with_lock FILE COMMAND...: one process at a time, where flock exists (it is absent on macOS)
with_lock() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  if command -v flock >/dev/null 2>&1; then
    ( flock 9 && "$@" ) 9>"$file"
  else
    "$@"
  fi
}

file_digest() { "$1" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$2"; }

# quiet COMMAND...: shows what the command printed only when it failed
quiet() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then rm -f "$log"; else tail -n 40 "$log" >&2; rm -f "$log"; return 1; fi
}

build_pex_cli() {
  local root=$1 python=$2 target=$3 work
  [ ! -f "$target" ] || return 0
  say "Building the Pex command line (once per user) ..."
  work=$(mktemp -d)
  quiet "$python" -m pip download --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$root/3rdparty/python/pex.lock" --dest "$work/wheels" \
    && quiet "$python" -m pip install --disable-pip-version-check --no-deps --no-index \
      --target "$work/lib" "$work"/wheels/pex-*.whl \
    && quiet env -i PATH="$PATH" HOME="$HOME" PEX_ROOT="$work/pex_root" PYTHONPATH="$work/lib" \
      "$python" -m pex pex --no-pypi --find-links "$work/wheels" \
      --no-strip-pex-env --no-compress --script pex --output-file "$work/pex" \
    && mkdir -p "$(dirname "$target")" && mv "$work/pex" "$target"
  local status=$?
  rm -rf "$work"
  [ $status -eq 0 ] || fail "the Pex command line could not be built. Is the package index reachable?"
}

# The locks that Pants uses, a name a line
pants_locks() { sed -n 's|^[a-z]* = "\.locks/\(.*\)\.lock"$|\1|p' "$1/pants.toml"; }

# Those that changed since they were resolved; of those that LAKE_LOCKS names, if it is set
stale_locks() {
  local root=$1 source name
  for name in $(pants_locks "$root"); do
    source="$root/3rdparty/python/$name.lock"
    case " ${LAKE_LOCKS:-$name} " in *" $name "*) ;; *) continue ;; esac
    cmp -s "$source" "$root/.locks/$name.source" && [ -f "$root/.locks/$name.lock" ] && has_wheel "$source" \
      || printf '%s\n' "$name"
  done
}

# pyspark is published as source alone. It is Python and jars, so that building it is packing it; it has 450 MB, so it
# is packed once per user, and every environment takes that wheel.

# The part of a lock that is pyspark's; nothing if it has none
pyspark_of() { sed -n '/^pyspark==/,/[^\\]$/p' "$1"; }

# wheel_folder LOCK: where the wheel lies that is built of the source that a lock names; nothing if it names none
wheel_folder() {
  local hash
  hash=$(pyspark_of "$1" | sed -n 's/.*--hash=sha256:\([0-9a-f]*\).*/\1/p' | head -n 1)
  printf '%s' "${hash:+$BOOTSTRAP_CACHE/wheels/$hash}"
}

# has_wheel LOCK: whether it is there, if the lock needs one
has_wheel() {
  local folder
  folder=$(wheel_folder "$1")
  [ -z "$folder" ] || [ -f "$folder/pyspark.sha256" ]
}

build_wheel() {
  local lock=$1 python=$2 folder work status
  ! has_wheel "$lock" || return 0
  folder=$(wheel_folder "$lock")
  say "Packing Spark (once per user, and when its version changes) ..."
  mkdir -p "$(dirname "$folder")"
  work=$(mktemp -d "$folder.XXXXXX")
  pyspark_of "$lock" >"$work/requirement"
  quiet "$python" -m pip wheel --disable-pip-version-check --no-cache-dir --no-deps --require-hashes \
    --requirement "$work/requirement" --wheel-dir "$work" \
    && file_digest "$python" "$work"/pyspark-*.whl >"$work/pyspark.sha256" \
    && rm -rf "$folder" && mv "$work" "$folder"
  status=$?
  rm -rf "$work"
  [ $status -eq 0 ] || fail "Spark could not be packed. Is the package index reachable?"
}

# requirements_of LOCK PYTHON: prints the lock with what was built of sources in place of these
requirements_of() {
  local lock=$1 python=$2 folder
  folder=$(wheel_folder "$lock")
  if [ -n "$folder" ]; then
    has_wheel "$lock" || with_lock "$BOOTSTRAP_CACHE/lock" build_wheel "$lock" "$python" || return 1
    sed "/^pyspark==/,/[^\\\\]$/s/--hash=sha256:[0-9a-f]*/--hash=sha256:$(cat "$folder/pyspark.sha256")/" "$lock"
  else
    cat "$lock"
  fi
}

resolve_lock() {
  local root=$1 python=$2 pex=$3 name=$4 source wheels
  source="$root/3rdparty/python/$name.lock"
  wheels=$(wheel_folder "$source")
  requirements_of "$source" "$python" >"$root/.locks/$name.requirements" || return 1
  # --no-build: nothing is compiled on a user's machine, nor a compiler looked for.
  quiet env PEX_SCRIPT=pex3 PEX_ROOT="$root/.lake/pex_root" "$python" "$pex" lock create \
    --no-build ${wheels:+--find-links "$wheels"} \
    --style universal --target-system linux --target-system mac --interpreter-constraint "==3.13.*" \
    --pip-version latest --resolver-version pip-2020-resolver --indent 1 \
    --requirement "$root/.locks/$name.requirements" --output "$root/.locks/$name.lock.new" \
    || fail "the lock 3rdparty/python/$name.lock could not be resolved. Is the package index reachable?" || return 1
  mv "$root/.locks/$name.lock.new" "$root/.locks/$name.lock"
  cp "$source" "$root/.locks/$name.source"
}

resolve_stale_locks() {
  local root=$1 python=$2 pex=$3 stale name pids="" status=0
  stale=$(stale_locks "$root")
  [ -n "$stale" ] || return 0
  say "Resolving locks (once, and when a lock changes): $(printf '%s ' $stale)..."
  mkdir -p "$root/.locks"
  # Lets a test depend on them.
  printf 'files(name="files", sources=["*.lock", "*.source"])\n' >"$root/.locks/BUILD"
  for name in $stale; do
    resolve_lock "$root" "$python" "$pex" "$name" &
    pids="$pids $!"
  done
  for name in $pids; do wait "$name" || status=1; done
  # What was fetched to be looked at once.
  rm -rf "$root/.lake/pex_root"
  return $status
}

# has_venv ROOT NAME: whether .lake/venv/NAME holds exactly what 3rdparty/python/NAME.lock says
has_venv() { cmp -s "$1/3rdparty/python/$2.lock" "$1/.lake/venv/$2/installed.lock"; }

# ensure_venv ROOT NAME: makes it so
ensure_venv() {
  local root=$1 name=$2 venv="$1/.lake/venv/$2" lock="$1/3rdparty/python/$2.lock" python requirements wheels
  ! has_venv "$root" "$name" || return 0
  case $name in
    # Its libraries have no wheels for a newer one.
    superset) python=$(find_python 3.12 "to run Superset") || return 1 ;;
    *) python=$(find_python 3.13 "to run this project") || return 1 ;;
  esac
  say "Setting up the environment of $name (once, and when its lock changes) ..."
  rm -rf "$venv"
  wheels=$(wheel_folder "$lock")
  requirements=$(requirements_of "$lock" "$python") || return 1
  "$python" -m venv "$venv"
  printf '%s\n' "$requirements" >"$venv/requirements.txt"
  quiet "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes --no-deps \
    ${wheels:+--find-links "$wheels"} --requirement "$venv/requirements.txt" \
    || fail "the environment of $name could not be installed. Is the package index reachable?" || return 1
  cp "$lock" "$venv/installed.lock"
}

# Prints the environment that Pants needs, as shell assignments
bootstrap_pants_settings() {
  local root=$1 python version pex digest size name
  require_command git "to find changed files" || return 1
  require_command zip "to package services" || return 1
  python=$(find_python 3.13 "to run this project") || return 1
  version=$(sed -n 's/^pex==\([0-9.]*\).*/\1/p' "$root/3rdparty/python/pex.lock")
  pex="$BOOTSTRAP_CACHE/pex-$version-py3.13"
  if [ ! -f "$pex" ]; then
    with_lock "$BOOTSTRAP_CACHE/lock" build_pex_cli "$root" "$python" "$pex" || return 1
  fi
  if [ -n "$(stale_locks "$root")" ]; then
    with_lock "$root/.locks/lock" resolve_stale_locks "$root" "$python" "$pex" || return 1
  fi
  # Pants wants every lock to be there, also one that LAKE_LOCKS leaves out because nothing of it is used.
  for name in $(pants_locks "$root"); do
    [ -f "$root/.locks/$name.lock" ] || touch "$root/.locks/$name.lock"
  done
  if [ ! -f "$pex.pants" ]; then
    digest=$(file_digest "$python" "$pex")
    size=$(wc -c <"$pex" | tr -d ' ')
    for platform in linux_x86_64 linux_arm64 macos_x86_64 macos_arm64; do
      printf "v%s|%s|%s|%s\n" "$version" "$platform" "$digest" "$size"
    done >"$pex.pants.new"
    mv "$pex.pants.new" "$pex.pants"
  fi
  # The one place of a service's version is its VERSION; a BUILD file can read variables, but no files.
  for name in "$root"/services/*/VERSION; do
    [ -f "$name" ] || continue
    name=$(basename "$(dirname "$name")")
    printf 'export LAKE_VERSION_%s=%q\n' "$(printf %s "$name" | tr '[:lower:]' '[:upper:]')" \
      "$(tr -d '[:space:]' <"$root/services/$name/VERSION")"
  done
  printf 'export PANTS_PEX_CLI_URL_TEMPLATE=%q\n' "file://$pex"
  printf 'export PANTS_PEX_CLI_KNOWN_VERSIONS="[%s]"\n' "$(sed "s/.*/'&',/" "$pex.pants" | tr -d '\n')"
}

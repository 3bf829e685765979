#!/bin/sh
# Creates the Python environment of requirements/dev.lock and links it as .venv.
# It is cached by the hash of the lock file, so that clones share it. A marker file is written last,
# so that the next call recreates an incomplete environment.
set -eu
cd "$(dirname "$0")/.."

# An environment that is activated is not the Python to create one with: it would delete itself.
[ -z "${VIRTUAL_ENV:-}" ] || PATH=$(printf %s "$PATH" | sed "s|$VIRTUAL_ENV/bin:||g")

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "llmtrain needs Python 3.11 or newer as python3: install it (Debian 12 or later: apt-get install python3 python3-venv)." >&2
    exit 1
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "python3 has no venv module: install it (Debian: apt-get install python3-venv)." >&2
    exit 1
fi

key=$(python3 -c 'import hashlib; print(hashlib.sha256(open("requirements/dev.lock", "rb").read()).hexdigest()[:12])')
cache="${LLMTRAIN_CACHE:-$HOME/.cache/llmtrain}/venv"
path="$cache/$key"
marker="$path/.complete"
python=$(python3 -c 'import sys; print(sys.executable, sys.version.split()[0])')

if [ "$(cat "$marker" 2>/dev/null)" != "$python" ]; then
    mkdir -p "$cache"
    if command -v flock >/dev/null; then
        exec 9>"$cache/$key.lock"
        flock 9
    fi
    if [ "$(cat "$marker" 2>/dev/null)" != "$python" ]; then
        echo "▸ creating the Python environment in $path (some minutes, once for each requirements/dev.lock; PyTorch is large)" >&2
        python3 -m venv --clear "$path"
        "$path/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
        "$path/bin/uv" pip sync --python "$path/bin/python" --require-hashes requirements/dev.lock
        echo "$python" >"$marker"
    fi
fi
[ "$(readlink .venv 2>/dev/null)" = "$path" ] || ln -sfn "$path" .venv

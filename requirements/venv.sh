#!/bin/sh
# Makes the Python environment that requirements/dev.lock describes, and links it as .venv.
# It is kept in the cache under the lock's hash, so clones share it; a marker is written at the end,
# so an interrupted one is finished by the next call.
set -eu
cd "$(dirname "$0")/.."

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "llmtrain needs Python 3.11 or newer as python3: install it (Debian 12 or newer: apt-get install python3 python3-venv)." >&2
    exit 1
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "python3 has no venv module: install it (Debian: apt-get install python3-venv)." >&2
    exit 1
fi

key=$(python3 -c 'import hashlib; print(hashlib.sha256(open("requirements/dev.lock", "rb").read()).hexdigest()[:12])')
cache="${LLMTRAIN_CACHE:-$HOME/.cache/llmtrain}/venv"
place="$cache/$key"
marker="$place/.complete"
python=$(python3 -c 'import sys; print(sys.executable, sys.version.split()[0])')

if [ "$(cat "$marker" 2>/dev/null)" != "$python" ]; then
    mkdir -p "$cache"
    if command -v flock >/dev/null; then
        exec 9>"$cache/$key.lock"
        flock 9
    fi
    if [ "$(cat "$marker" 2>/dev/null)" != "$python" ]; then
        echo "▸ making the Python environment in $place (once for each requirements/dev.lock; PyTorch is large)" >&2
        python3 -m venv --clear "$place"
        "$place/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
        "$place/bin/uv" pip sync --python "$place/bin/python" --require-hashes requirements/dev.lock
        echo "$python" >"$marker"
    fi
fi
[ "$(readlink .venv 2>/dev/null)" = "$place" ] || ln -sfn "$place" .venv

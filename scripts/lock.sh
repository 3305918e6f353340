#!/bin/sh
# Resolves pyproject.toml into the two locks, with hashes and without any address: requirements.lock has everything,
# requirements-run.lock what a server needs, at the same versions.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv

compile() {
    "$uv" pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 "$@"
}
compile --all-extras -q pyproject.toml -o requirements.lock
compile --extra build -c requirements.lock -q pyproject.toml -o requirements-run.lock

if grep -nE '://|^ *(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)' requirements.lock requirements-run.lock; then
    echo "lock: the lines above name an address; a lock must not." >&2
    exit 1
fi

#!/bin/sh
# Resolves pyproject.toml into the two locks, with hashes and without any address: requirements.lock has what is
# developed with, requirements-run.lock what a server needs, bench/requirements.lock what the bench's peers need besides;
# all at the same versions.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv

compile() {
    "$uv" pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 "$@"
}
compile --extra build --extra dev -q pyproject.toml -o requirements.lock
compile --extra build -c requirements.lock -q pyproject.toml -o requirements-run.lock
compile --extra bench -c requirements.lock -q pyproject.toml -o bench/requirements.lock

if grep -nE '://|^ *(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)' requirements.lock requirements-run.lock bench/requirements.lock; then
    echo "lock: the lines above name an address; a lock must not." >&2
    exit 1
fi

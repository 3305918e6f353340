#!/bin/sh
# Finds a Python that can make the environment, and hands over to setup.py. PYTHON=… names one.
set -eu
here=$(dirname "$0")
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

python=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$candidate" -c "$new_enough" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    if [ -n "${PYTHON:-}" ]; then
        echo "setup: PYTHON=$PYTHON is not a Python 3.11 or newer." >&2
    else
        echo "setup: Cosession needs Python 3.11 or newer, and none is on PATH. Install one, or name it: make PYTHON=/path/to/python3" >&2
    fi
    exit 1
fi
exec "$python" "$here/setup.py" "$@"

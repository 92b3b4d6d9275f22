#!/bin/sh
# Pins the newest Python packages that pyproject.toml allows, with their hashes, for every Python
# and system at once, into requirements.lock.
#
# usage: ansible/tooling/lock.sh
set -eu

[ "$#" -eq 0 ] || { echo 'usage: ansible/tooling/lock.sh' >&2 && exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}

fail() {
    printf 'error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 1
}

workshop=$(mktemp -d)
trap 'rm -rf "$workshop"' EXIT
trap 'exit 1' HUP INT TERM

# uv resolves; it is no part of what the project runs, so it gets an environment of its own.
"$python" -m venv "$workshop/venv" ||
    fail "$python cannot make a virtual environment" \
        "install Python's venv (Debian: apt-get install python3-venv), or set PYTHON=..."
"$workshop/venv/bin/pip" install --quiet --disable-pip-version-check uv ||
    fail "uv could not be installed" "see pip's message above; it needs the network"

# From the project's folder, so that the lock's comments name pyproject.toml without a path.
cd "$project"
"$workshop/venv/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes \
    --extra dev --upgrade --no-header --quiet --output-file requirements.lock pyproject.toml ||
    fail "uv could not resolve pyproject.toml" "see its message above; requirements.lock is as it was"
echo "requirements.lock is written; make test installs and proves it"

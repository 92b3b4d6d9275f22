#!/bin/sh
# Writes the newest Python packages that pyproject.toml allows into requirements.lock, with hashes,
# for all Python versions and systems.
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

workspace=$(mktemp -d)
trap 'rm -rf "$workspace"' EXIT
trap 'exit 1' HUP INT TERM

# uv resolves the versions. It gets its own environment, because the project does not need it.
"$python" -m venv "$workspace/venv" ||
    fail "$python cannot create a virtual environment" \
        "install Python's venv (Debian: apt-get install python3-venv), or set PYTHON=..."
"$workspace/venv/bin/pip" install --quiet --disable-pip-version-check uv ||
    fail "uv could not be installed" "see pip's message above; it needs the network"

# Run in the project's folder, so that the comments in the lock name pyproject.toml without a path.
cd "$project"
"$workspace/venv/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes \
    --extra dev --upgrade --no-header --quiet --output-file requirements.lock pyproject.toml ||
    fail "uv could not resolve pyproject.toml" "see its message above; requirements.lock is unchanged"
echo "requirements.lock has been written; make test installs and tests it"

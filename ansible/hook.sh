#!/bin/sh
# What pre-commit runs in somebody's own repository, out of a clone of this one.
#
# usage: ansible/hook.sh [what ansible/validate.py takes]
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
"$project/ansible/setup.sh" validate
exec "$project/.venv/bin/python" "$project/ansible/validate.py" "$@"

#!/bin/sh
# The hook that pre-commit runs in a user's repository, from a clone of this one.
#
# usage: ansible/tooling/hook.sh [options of bridgectl validate]
set -eu

project=$(cd "$(dirname "$0")/../.." && pwd)
"$project/ansible/tooling/setup.sh" validate
# -P: modules of Python are not searched for in the user's repository.
PYTHONPATH=$project/ansible exec "$project/.venv/bin/python" -P -m bridgectl validate "$@"

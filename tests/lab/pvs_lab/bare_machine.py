"""A machine with Python and git alone: a copy of the checkout in it, and a user who is not root.

It has the packages of a minimal Debian, no network but its own loopback, and this checkout's
virtual environment with Debian's own interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pvs_lab import image
from pvs_lab.errors import LabError
from pvs_lab.paths import PACKAGE_ROOT
from pvs_lab.recipes import Recipe

_PROJECT = PACKAGE_ROOT.parents[1]
# The Debian release whose Python has this version: compiled packages fit no other.
_RELEASES = {(3, 11): "bookworm", (3, 13): "trixie"}
_CHECKOUT = "/home/contributor/pvs-bridge"
_ENTER = f"""
set -eu
umask 022
point=$1 image=$2 venv=$3 files=$4
shift 4
ip link set lo up
mount -t tmpfs tmpfs "$point"
cd "$point"
mkdir root written work venv-written venv-work
mount -t overlay root -o "lowerdir=$image,upperdir=$point/written,workdir=$point/work" root
mkdir -p "root$venv" "root{_CHECKOUT}"
mount -t overlay venv \\
    -o "lowerdir=$venv,upperdir=$point/venv-written,workdir=$point/venv-work" "root$venv"
ln -sf /usr/bin/python3 "root$venv/bin/python3"
sed -i 's,^home = .*,home = /usr/bin,' "root$venv/pyvenv.cfg"
mount --rbind /dev root/dev
mount -t proc proc root/proc
mount -t tmpfs -o mode=1777 tmpfs root/tmp
tar --extract --file="$files" --directory="root{_CHECKOUT}"
ln -s "$venv" "root{_CHECKOUT}/.venv"
chown -R 65534:65534 root/home/contributor
exec chroot root setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \\
    env --ignore-environment HOME=/home/contributor LANG=C.UTF-8 \\
    PATH="{_CHECKOUT}/.venv/bin:/usr/bin:/bin" \\
    PYTHONPATH="{_CHECKOUT}/tests/lab:{_CHECKOUT}/ansible" \\
    ANSIBLE_CONFIG="{_CHECKOUT}/ansible.cfg" \\
    sh -euc 'cd {_CHECKOUT}; git init -q; git add -A; exec "$@"' sh "$@"
"""


def run(*words: str) -> int:
    """Run a command in the checkout's copy; nothing of what it writes is kept.

    Args:
        words: program and arguments.

    Returns:
        its exit status.

    Raises:
        LabError: no Debian release has the Python of this process.
    """
    release = _RELEASES.get(sys.version_info[:2])
    if release is None:
        raise LabError(
            f"Python must be one of Debian's, 3.11 or 3.13, got {sys.version.split()[0]}",
            "run the tests with another one: make clean, then make test-all PYTHON=python3.11",
        )
    recipe = Recipe(
        release=release,
        backend="bare",
        packages=("ca-certificates", "git", "python3"),
        on_offer=(),
        files=(("/etc/hosts", "127.0.0.1 localhost\n"),),
        is_card=False,
    )
    root = image.provide(recipe, print).root
    with tempfile.TemporaryDirectory() as point, tempfile.NamedTemporaryFile() as files:
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={_PROJECT}", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard", "--deduplicate"],
            cwd=_PROJECT, capture_output=True, check=True,
        ).stdout.split(b"\0")  # fmt: skip
        # A file that was deleted since the last commit is listed all the same.
        there = b"\0".join(each for each in listed if each and (_PROJECT / each.decode()).exists())
        subprocess.run(
            ["tar", "--create", "--null", "--no-recursion", "--files-from=-",
             f"--file={files.name}"],
            cwd=_PROJECT, input=there, check=True,
        )  # fmt: skip
        venv = Path(sys.prefix).resolve()
        places = [point, str(root), str(venv), files.name]
        return subprocess.run(
            # It ends with this process, however that ends.
            ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--net", "--ipc", "--uts",
             "--pid", "--fork", "--kill-child", "--propagation", "private",
             "sh", "-c", _ENTER, "sh", *places, *words],
            stdin=subprocess.DEVNULL, check=False,
        ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))

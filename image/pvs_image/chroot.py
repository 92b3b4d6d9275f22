"""A root file system in a folder, made ready for programs to run in it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pvs_image.log import Log

_HINT = "report this; nothing is left mounted, as each build has mounts of its own"
# The devices that programs expect; a user namespace cannot make them, but may borrow them.
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")


@contextlib.contextmanager
def ready(root: Path, tools: Path | None, log: Log, *, online: bool) -> Iterator[None]:
    """Mount what programs in it need, and take all of it away again.

    Only for a process that has mounts of its own, see :mod:`pvs_image.namespace`.

    Args:
        root: the folder.
        tools: those of the builder that are lent, see :mod:`pvs_image.tools`; None for none.
        log: of the stage.
        online: whether names are resolved in it, as this machine does.

    Raises:
        ImageError: something cannot be mounted.
    """
    with contextlib.ExitStack() as stack:
        for folder in ("dev", "run", "tmp"):
            (root / folder).mkdir(exist_ok=True)
            _mount(stack, log, root / folder, "-t", "tmpfs", "-o", "mode=0755", "tmpfs")
        (root / "proc").mkdir(exist_ok=True)
        _mount(stack, log, root / "proc", "-t", "proc", "proc")
        for device in _DEVICES:
            node = root / "dev" / device
            node.touch()
            _mount(stack, log, node, "--bind", f"/dev/{device}")
        (root / "dev/fd").symlink_to("/proc/self/fd")
        (root / "tmp").chmod(0o1777)
        (root / "run/lock").mkdir()
        if online:
            _lend_resolver(stack, log, root / "etc/resolv.conf")
        if tools is not None:
            log.run([str(tools / "attach"), str(root)], hint=_HINT)
            stack.callback(log.run, [str(tools / "detach"), str(root)], hint=_HINT)
            log.run(["chroot", str(root), "/native/cover"], hint=_HINT)
        # Whatever is installed starts nothing on the machine that builds.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        stack.callback(policy.unlink)
        yield


def _lend_resolver(stack: contextlib.ExitStack, log: Log, own: Path) -> None:
    """Mount this machine's name servers over those of the card, a link that leads nowhere yet."""
    leads_to = own.readlink() if own.is_symlink() else None
    if leads_to is not None:
        own.unlink()
        stack.callback(own.symlink_to, leads_to)
        stack.callback(own.unlink)
    elif not own.exists():
        stack.callback(own.unlink)
    own.touch()
    _mount(stack, log, own, "--bind", "/etc/resolv.conf")


def _mount(stack: contextlib.ExitStack, log: Log, target: Path, *arguments: str) -> None:
    log.run(["mount", *arguments, str(target)], hint=_HINT)
    stack.callback(_unmount, target)


def _unmount(target: Path) -> None:
    subprocess.run(["umount", "--lazy", os.fspath(target)], check=True)

"""Prepare a root file system in a folder, so that programs can run in it with chroot."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pvs_image.build_log import Log

_HINT = "report this error; mounts end with the build's own mount namespace"
# Device nodes that programs expect. They are bind mounts, because mknod is not permitted in a user
# namespace.
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")


@contextlib.contextmanager
def prepared_chroot(root: Path, tools: Path | None, log: Log, *, online: bool) -> Iterator[None]:
    """Mount what programs need, and remove all of it afterwards.

    The calling process must have its own mount namespace, see :mod:`pvs_image.namespace`.

    Args:
        root: the root file system.
        tools: the folder of :mod:`pvs_image.native_tools`; None without native tools.
        log: the log of the stage.
        online: whether host names can be resolved, with this machine's resolver.

    Raises:
        ImageError: a mount failed.
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
            _mount_resolver(stack, log, root / "etc/resolv.conf")
        if tools is not None:
            log.run([str(tools / "attach"), str(root)], hint=_HINT)
            stack.callback(log.run, [str(tools / "detach"), str(root)], hint=_HINT)
            log.run(["chroot", str(root), "/native/bind-programs"], hint=_HINT)
        # Packages installed in the chroot must not start services on the build machine.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        stack.callback(policy.unlink)
        yield


def _mount_resolver(stack: contextlib.ExitStack, log: Log, resolv_conf: Path) -> None:
    """Mount this machine's resolv.conf over the card's, which is a dangling link until it boots."""
    link_target = resolv_conf.readlink() if resolv_conf.is_symlink() else None
    if link_target is not None:
        resolv_conf.unlink()
        stack.callback(resolv_conf.symlink_to, link_target)
        stack.callback(resolv_conf.unlink)
    elif not resolv_conf.exists():
        stack.callback(resolv_conf.unlink)
    resolv_conf.touch()
    _mount(stack, log, resolv_conf, "--bind", "/etc/resolv.conf")


def _mount(stack: contextlib.ExitStack, log: Log, target: Path, *arguments: str) -> None:
    log.run(["mount", *arguments, str(target)], hint=_HINT)
    stack.callback(_unmount, target)


def _unmount(target: Path) -> None:
    subprocess.run(["umount", "--lazy", os.fspath(target)], check=True)

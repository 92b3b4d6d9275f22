"""A Pi's file system in a folder, and a fake of its runtime."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROFILE = "etc/NetworkManager/system-connections/home.nmconnection"
WANTS = "etc/systemd/system/multi-user.target.wants/dhcpcd.service"
# A name in Latin-1, and a name of the maximum length.
ODD = os.fsdecode(b"etc/wpa_supplicant/caf\xe9 \n*?[x]")
LONGEST = f"etc/wpa_supplicant/{'x' * 255}"

# By path: text, mode, owner's number, group's number.
FILES = {
    PROFILE: ("[wifi]\nssid=home\n", 0o600, 0, 0),
    "etc/NetworkManager/NetworkManager.conf": ("[main]\n", 0o644, 0, 0),
    "etc/default/nothing": ("", 0o644, 0, 0),
    "etc/dhcpcd.conf": ("interface eth0\n", 0o664, 0, 109),
    "etc/hostname": ("garage\n", 0o644, 0, 0),
    "etc/hosts": ("127.0.0.1 localhost\n", 0o644, 0, 0),
    "etc/passwd": ("root:x:0:0\n", 0o644, 0, 0),
    "etc/ssh/sshd_config": ("PermitRootLogin no\n", 0o644, 0, 0),
    "etc/wpa_supplicant/one": ("shared\n", 0o4750, 7, 8),
    ODD: ("odd\n", 0o600, 0, 0),
    LONGEST: ("long\n", 0o600, 0, 0),
}
LINKS = {
    WANTS: "/lib/systemd/system/dhcpcd.service",
    "etc/sysctl.d/99-sysctl.conf": "../sysctl.conf",  # a broken link
}
FOLDERS = {"etc/network/interfaces.d": (0o2700, 12, 34), "etc/netplan": (0o755, 0, 0)}

# By path: kind, mode, owner, and the content of a file or the target of a link.
Tree = dict[str, tuple[str, int, tuple[int, int], bytes]]


def make(root: Path) -> None:
    """Create a Pi's files in an empty folder."""
    for name, (text, mode, user, group) in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chown(path, user, group)
        path.chmod(mode)
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).symlink_to(target)
    for name, (mode, user, group) in FOLDERS.items():
        (root / name).mkdir(parents=True)
        os.chown(root / name, user, group)
        (root / name).chmod(mode)
    (root / "etc/wpa_supplicant/two").hardlink_to(root / "etc/wpa_supplicant/one")
    (root / "home").mkdir()
    (root / "run").mkdir()
    (root / "var/lib").mkdir(parents=True)


def tree(root: Path) -> Tree:
    """Read everything except /run and /var, which the rollback itself writes to."""
    found = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [each for each in folders if each not in ("run", "var")]
        for path in (Path(folder) / each for each in [*folders, *files]):
            about = path.lstat()
            kind, content = "folder", b""
            if path.is_symlink():
                kind, content = "link", os.fsencode(path.readlink())
            elif path.is_file():
                kind, content = "file", path.read_bytes()
            found[str(path.relative_to(root))] = (
                kind, stat.S_IMODE(about.st_mode), (about.st_uid, about.st_gid), content,
            )  # fmt: skip
    return found


def change(root: Path) -> None:
    """Change the network as a run does: add, change and remove files, links and folders."""
    (root / PROFILE).unlink()
    (root / "etc/NetworkManager/system-connections/new.nmconnection").write_text("ssid=new\n")
    (root / "etc/hostname").write_text("shed\n")
    (root / "etc/hosts").chmod(0o600)
    (root / "etc/dhcpcd.conf.1.2026-11-23@01:00:00~").write_text("interface eth0\n")
    (root / "etc/.pvs-bridge-x.new").write_text("half\n")
    (root / WANTS).unlink()
    (root / WANTS).symlink_to("/dev/null")
    (root / "etc/netplan").rmdir()
    (root / "etc/netplan").write_text("a file where a folder was\n")
    (root / "etc/ssh/sshd_config").unlink()
    (root / "etc/ssh/sshd_config").mkdir()
    (root / "etc/ssh/sshd_config/part").write_text("a folder where a file was\n")


@dataclass
class Runtime:
    """A fake of ``pvs_bridge.rollback.runtime``, which needs systemd and a network daemon.

    Attributes:
        calls: The calls in their order: the function's name and its arguments.
        change: The state of the service that applies a change.
        inside: Whether this process belongs to that service.
        refuses: The functions that systemd refuses.
    """

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    change: str = "done"
    inside: bool = False
    refuses: set[str] = field(default_factory=set)

    def install(self, replace: Callable[[str, Callable[..., object]], None]) -> None:
        """Replace the functions of ``pvs_bridge.rollback.runtime``.

        Args:
            replace: Replaces one function by its name.
        """
        answers: dict[str, Callable[[], object]] = {
            "record": lambda: {"hostname": "garage"},
            "restore": lambda: None,
            "start_timer": lambda: None,
            "stop_timer": lambda: None,
            "start_service": lambda: None,
            "stop_service": lambda: None,
            "service_state": lambda: self.change,
            "is_inside": lambda: self.inside,
            "set_hostname": lambda: None,
            "reboot": lambda: None,
        }
        for name, answer in answers.items():
            replace(name, self._recorder(name, answer))

    def done(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of all calls of one function."""
        return [tuple(arguments) for called, *arguments in self.calls if called == name]

    def _recorder(self, name: str, answer: Callable[[], object]) -> Callable[..., object]:
        def record(*arguments: object) -> object:
            self.calls.append((name, *arguments))
            if name in self.refuses:
                raise OSError(f"systemd-run: {name} was refused")
            return answer()

        return record

"""Commands that check a file with its daemon, and parsers of their output.

If a role has a checker, that command is used. For other files, the daemon runs in a mode that only
reads the file.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bridgectl.errors import IssueError

# Debian's folders of daemons, which are not in the PATH of users.
_FOLDERS = ("/usr/sbin", "/sbin")
_PATIENCE_SECONDS = 30
_OWN_NAMESPACE = ("unshare", "--map-root-user", "--net")


class DaemonError(IssueError):
    """A daemon is not installed, or cannot run on this computer."""


@dataclasses.dataclass(frozen=True)
class Complaint:
    """An error that a daemon reports.

    Attributes:
        message: of the daemon, on one line.
        line: of the file; None if the daemon does not report it.
    """

    message: str
    line: int | None = None

    def without(self, folder: str) -> Complaint:
        """Replace paths in a folder by paths on the Pi."""
        return dataclasses.replace(self, message=self.message.replace(folder, ""))


@dataclasses.dataclass(frozen=True)
class Done:
    """The result of a command.

    Attributes:
        status: its exit status.
        output: its standard output.
        errors: its standard error.
    """

    status: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return [line.strip() for line in self.errors.splitlines() if line.strip()]


@dataclasses.dataclass(frozen=True)
class Program:
    """A daemon that checks files.

    Attributes:
        name: for messages.
        command: its program.
        package: its Debian package.
        paths: patterns of its files, for files without a checker in a role.
        check: checks a copy of a file, with the role's own command if there is one.
    """

    name: str
    command: str
    package: str
    paths: tuple[str, ...]
    check: Callable[[Path, list[str]], list[Complaint]]

    def reads(self, path: str, validate: str | None) -> bool:
        """Return whether a file belongs to this daemon.

        Args:
            path: on the Pi.
            validate: the role's own command; None if it has none.
        """
        if validate:
            return Path(shlex.split(validate)[0]).name == self.command
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)


def check_file(program: Program, file: Path, validate: str) -> list[Complaint]:
    """Check a file with its daemon.

    Args:
        program: the daemon.
        file: a copy of the file.
        validate: the role's own command, with %s for the file; empty if it has none.

    Raises:
        DaemonError: it is not installed, or cannot run here.
    """
    if _which(program.command) is None:
        raise DaemonError(
            "it is not installed on this computer", f"apt-get install {program.package}"
        )
    words = [word.replace("%s", str(file)) for word in shlex.split(validate)]
    return program.check(file, words)


def _which(command: str) -> str | None:
    return shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS]))


def _run(words: list[str], stdin: str | None = None) -> Done:
    found = _which(words[0])
    try:
        done = subprocess.run(
            [found or words[0], *words[1:]],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_PATIENCE_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _cannot_run(words[0], str(error)) from error
    return Done(done.returncode, done.stdout, done.stderr)


def _cannot_run(command: str, said: str) -> DaemonError:
    words = " ".join(said.split())[:200] or "no error message"
    return DaemonError(
        f"it cannot run on this computer ({words})", f"run `{command}` to see the error"
    )


def _haproxy(_: Path, words: list[str]) -> list[Complaint]:
    done = _run(words)
    if done.status == 0:
        return []
    alerts = [line for line in done.lines if "[ALERT]" in line]
    found = [
        Complaint(match["message"], int(match["line"]))
        for line in alerts
        if (match := re.search(r"parsing \[.*?:(?P<line>\d+)\] ?: (?P<message>.*)", line))
    ]
    if not alerts:
        raise _cannot_run("haproxy", done.errors)
    return found or [Complaint(" ".join(alerts))]


def _dnsmasq(_: Path, words: list[str]) -> list[Complaint]:
    done = _run(words)
    if "syntax check OK" in done.errors:
        return []
    match = re.search(
        r"dnsmasq: (?P<message>.*?)( at line (?P<line>\d+) of .*)?$", done.errors.strip()
    )
    if match is None:
        raise _cannot_run("dnsmasq", done.errors)
    return [Complaint(match["message"], int(match["line"]) if match["line"] else None)]


def _nft(file: Path, words: list[str]) -> list[Complaint]:
    # nft reads tables of the kernel, so it runs as root in a network namespace of its own.
    problem = _no_network_namespace()
    if problem:
        raise DaemonError(problem, "allow user namespaces, or run this as root")
    # The Pi's users and groups need not exist on this computer.
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"\b(sk[ug]id (!= )?)haproxy\b", r"\g<1>0", text), encoding="utf-8")
    done = _run([*_OWN_NAMESPACE, _which("nft") or "nft", *words[1:]])
    if done.status == 0:
        return []
    found = [
        Complaint(match["message"], int(match["line"]))
        for line in done.lines
        if (
            match := re.match(
                rf"{re.escape(str(file))}:(?P<line>\d+):[\d-]+: (?P<message>.*)", line
            )
        )
    ]
    return found or [Complaint(" ".join(done.lines))]


@functools.cache
def _no_network_namespace() -> str | None:
    """Return why nft cannot run here; None if it can."""
    probe = ["nft", "--check", "add table inet pvs_bridge_probe"]
    try:
        done = _run([*_OWN_NAMESPACE, _which("nft") or "nft", *probe[1:]])
    except DaemonError as error:
        return error.issue.problem
    said = " ".join(done.errors.split())[:200]
    return (
        f"network namespaces are not permitted on this computer ({said})" if done.status else None
    )


def _sshd(file: Path, words: list[str]) -> list[Complaint]:
    # After the file, sshd checks for host keys and a folder in /run, which this computer may lack.
    done = _run([_which("sshd") or "sshd", *words[1:]])
    found = [
        Complaint(match["message"], int(match["line"]))
        for line in done.lines
        if (
            match := re.match(
                rf"{re.escape(str(file))}:? line (?P<line>\d+): (?P<message>.*)", line
            )
        )
    ]
    if done.status and not found and not re.search("hostkeys|[Pp]rivilege separation", done.errors):
        raise _cannot_run("sshd", done.errors)
    return found


def _networkmanager(file: Path, _: list[str]) -> list[Complaint]:
    # nmcli reads a profile and prints it, without the daemon.
    offline = ["nmcli", "--offline", "connection", "modify", "connection.autoconnect", "true"]
    done = _run(offline, stdin=file.read_text(encoding="utf-8"))
    if done.status == 0:
        return []
    found = [line.removeprefix("Error: ") for line in done.lines if line.startswith("Error: ")]
    if not found or "--offline" in done.errors:
        raise _cannot_run("nmcli", done.errors)
    return [Complaint(message) for message in found]


def _wpa_supplicant(file: Path, _: list[str]) -> list[Complaint]:
    # The interface does not exist, so wpa_supplicant exits after it has read the file.
    done = _run(["wpa_supplicant", "-D", "wired", "-i", "pvs-bridge-none", "-c", str(file)])
    said = f"{done.output}\n{done.errors}"
    if "Successfully initialized wpa_supplicant" not in said:
        raise _cannot_run("wpa_supplicant", said)
    found = re.finditer(r"^Line (?P<line>\d+): (?P<message>.*)$", said, re.MULTILINE)
    # The message about the whole block is redundant, because the line in it is reported.
    complaints = [
        Complaint(match["message"], int(match["line"]))
        for match in found
        if match["message"] != "failed to parse network block."
    ]
    if "Failed to read or parse configuration" in said and not complaints:
        complaints = [Complaint("the configuration cannot be read or parsed")]
    return complaints


def _dhcpcd(file: Path, _: list[str]) -> list[Complaint]:
    # --variables reads the file before it prints. It skips settings of single interfaces, so these
    # are made settings of all interfaces.
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"^interface .*$", "", text, flags=re.MULTILINE), encoding="utf-8")
    done = _run(["dhcpcd", "--config", str(file), "--variables"])
    if "Interface options:" not in done.output:
        raise _cannot_run("dhcpcd", done.errors)
    # dhcpcd also reports that its user is missing, if only the program is installed.
    return [Complaint(line) for line in done.lines if not line.startswith("no such user")]


def _systemd(file: Path, _: list[str]) -> list[Complaint]:
    done = _run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)])
    if done.status not in (0, 1):
        raise _cannot_run("systemd-analyze", done.errors)
    pattern = rf"{re.escape(str(file))}:(?P<line>\d+): (?P<message>.*)"
    found = [match for line in done.lines if (match := re.search(pattern, line))]
    # Messages about other units and missing programs concern this computer.
    return [Complaint(match["message"], int(match["line"])) for match in found]


PROGRAMS = (
    Program("haproxy", "haproxy", "haproxy", (), _haproxy),
    Program("dnsmasq", "dnsmasq", "dnsmasq-base", (), _dnsmasq),
    Program("nft", "nft", "nftables", ("*.nft",), _nft),
    Program("sshd", "sshd", "openssh-server", (), _sshd),
    Program(
        "NetworkManager",
        "nmcli",
        "network-manager",
        ("/etc/NetworkManager/system-connections/*",),
        _networkmanager,
    ),
    Program(
        "wpa_supplicant",
        "wpa_supplicant",
        "wpasupplicant",
        ("/etc/wpa_supplicant/*.conf",),
        _wpa_supplicant,
    ),
    Program("dhcpcd", "dhcpcd", "dhcpcd-base", ("/etc/dhcpcd.conf",), _dhcpcd),
    Program("systemd", "systemd-analyze", "systemd", ("/etc/systemd/system/*.service",), _systemd),
)

"""How each daemon is asked whether a file is right, and what its words mean.

Where a role has a checker, that command is run. For the others, what the daemon has comes nearest:
a mode that reads the file and ends before anything is done.
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

# Where Debian has daemons, which a user's own path lacks.
_FOLDERS = ("/usr/sbin", "/sbin")
_PATIENCE_SECONDS = 30
_OWN_NETWORK = ("unshare", "--map-root-user", "--net")


class DoesNotWorkError(Exception):
    """A program is not here, or cannot work here; what it would say is not known.

    Attributes:
        why: the reason.
        hint: what to do about it.
    """

    def __init__(self, why: str, hint: str) -> None:
        """Keep both apart."""
        super().__init__(why, hint)
        self.why = why
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Complaint:
    """What a program does not like.

    Attributes:
        said: in its words, on one line.
        line: of the file; None where it does not say.
    """

    said: str
    line: int | None = None

    def without(self, folder: str) -> Complaint:
        """Return it with the paths of the Pi in place of those of a folder."""
        return dataclasses.replace(self, said=self.said.replace(folder, ""))


@dataclasses.dataclass(frozen=True)
class Done:
    """What a program has done.

    Attributes:
        status: its exit status.
        output: what it printed.
        errors: what it complained of.
    """

    status: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """What it complained of, line by line."""
        return [line.strip() for line in self.errors.splitlines() if line.strip()]


@dataclasses.dataclass(frozen=True)
class Program:
    """A daemon that judges files.

    Attributes:
        name: as a person calls it.
        command: its program.
        package: Debian's, that brings it.
        paths: patterns of the files that it reads, where no role has a command for them.
        judge: asks it about a copy of a file, with the role's own command if there is one.
    """

    name: str
    command: str
    package: str
    paths: tuple[str, ...]
    judge: Callable[[Path, list[str]], list[Complaint]]

    def reads(self, path: str, validate: str | None) -> bool:
        """Tell whether it is the one to judge a file.

        Args:
            path: on the Pi.
            validate: the role's own command; None where it has none.
        """
        if validate:
            return Path(shlex.split(validate)[0]).name == self.command
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)


def check_command(program: Program, file: Path, validate: str) -> list[Complaint]:
    """Have a program judge a file.

    Args:
        program: the one to ask.
        file: a copy that it may read.
        validate: the role's own command, with %s for the file; empty where it has none.

    Raises:
        DoesNotWorkError: It is not here, or cannot work here.
    """
    if _which(program.command) is None:
        raise DoesNotWorkError("it is not installed here", f"apt-get install {program.package}")
    words = [word.replace("%s", str(file)) for word in shlex.split(validate)]
    return program.judge(file, words)


def _which(command: str) -> str | None:
    return shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS]))


def _run(words: list[str], given: str | None = None) -> Done:
    found = _which(words[0])
    try:
        done = subprocess.run(
            [found or words[0], *words[1:]],
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_PATIENCE_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _fails_here(words[0], str(error)) from error
    return Done(done.returncode, done.stdout, done.stderr)


def _fails_here(command: str, said: str) -> DoesNotWorkError:
    words = " ".join(said.split())[:200] or "it says nothing"
    return DoesNotWorkError(f"it does not work here ({words})", f"try `{command}` by hand")


def _haproxy(_: Path, words: list[str]) -> list[Complaint]:
    done = _run(words)
    if done.status == 0:
        return []
    alerts = [line for line in done.lines if "[ALERT]" in line]
    found = [
        Complaint(match["said"], int(match["line"]))
        for line in alerts
        if (match := re.search(r"parsing \[.*?:(?P<line>\d+)\] ?: (?P<said>.*)", line))
    ]
    if not alerts:
        raise _fails_here("haproxy", done.errors)
    return found or [Complaint(" ".join(alerts))]


def _dnsmasq(_: Path, words: list[str]) -> list[Complaint]:
    done = _run(words)
    if "syntax check OK" in done.errors:
        return []
    match = re.search(
        r"dnsmasq: (?P<said>.*?)( at line (?P<line>\d+) of .*)?$", done.errors.strip()
    )
    if match is None:
        raise _fails_here("dnsmasq", done.errors)
    return [Complaint(match["said"], int(match["line"]) if match["line"] else None)]


def _nft(file: Path, words: list[str]) -> list[Complaint]:
    # It asks the kernel about tables, so it gets a network of its own in which it is root.
    problem = _no_network_of_its_own()
    if problem:
        raise DoesNotWorkError(problem, "allow user namespaces, or run this as root")
    # Nor need the Pi's users be on this machine.
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"\bskuid \w+", "skuid 0", text), encoding="utf-8")
    done = _run([*_OWN_NETWORK, _which("nft") or "nft", *words[1:]])
    if done.status == 0:
        return []
    found = [
        Complaint(match["said"], int(match["line"]))
        for line in done.lines
        if (match := re.match(rf"{re.escape(str(file))}:(?P<line>\d+):[\d-]+: (?P<said>.*)", line))
    ]
    return found or [Complaint(" ".join(done.lines))]


@functools.cache
def _no_network_of_its_own() -> str | None:
    """Say why nft cannot work here; None where it can."""
    probe = ["nft", "--check", "add table inet pvs_bridge_probe"]
    try:
        done = _run([*_OWN_NETWORK, _which("nft") or "nft", *probe[1:]])
    except DoesNotWorkError as error:
        return error.why
    said = " ".join(done.errors.split())[:200]
    return f"it may not have a network namespace here ({said})" if done.status else None


def _sshd(file: Path, words: list[str]) -> list[Complaint]:
    # Behind the file it looks for what a machine has that runs it: its keys, a folder in /run.
    done = _run([_which("sshd") or "sshd", *words[1:]])
    found = [
        Complaint(match["said"], int(match["line"]))
        for line in done.lines
        if (match := re.match(rf"{re.escape(str(file))}:? line (?P<line>\d+): (?P<said>.*)", line))
    ]
    if done.status and not found and not re.search("hostkeys|[Pp]rivilege separation", done.errors):
        raise _fails_here("sshd", done.errors)
    return found


def _networkmanager(file: Path, _: list[str]) -> list[Complaint]:
    # It reads a profile and writes it again, without the daemon.
    offline = ["nmcli", "--offline", "connection", "modify", "connection.autoconnect", "true"]
    done = _run(offline, given=file.read_text(encoding="utf-8"))
    if done.status == 0:
        return []
    found = [line.removeprefix("Error: ") for line in done.lines if line.startswith("Error: ")]
    if not found or "--offline" in done.errors:
        raise _fails_here("nmcli", done.errors)
    return [Complaint(said) for said in found]


def _wpa_supplicant(file: Path, _: list[str]) -> list[Complaint]:
    # There is no such interface: it ends as soon as it has read the file.
    done = _run(["wpa_supplicant", "-D", "wired", "-i", "pvs-bridge-none", "-c", str(file)])
    said = f"{done.output}\n{done.errors}"
    if "Successfully initialized wpa_supplicant" not in said:
        raise _fails_here("wpa_supplicant", said)
    found = re.finditer(r"^Line (?P<line>\d+): (?P<said>.*)$", said, re.MULTILINE)
    # That a block has failed goes without saying where the line within it is named.
    complaints = [
        Complaint(match["said"], int(match["line"]))
        for match in found
        if match["said"] != "failed to parse network block."
    ]
    if "Failed to read or parse configuration" in said and not complaints:
        complaints = [Complaint("the configuration cannot be read or parsed")]
    return complaints


def _dhcpcd(file: Path, _: list[str]) -> list[Complaint]:
    # It lists the variables that it knows, and has read the file before, but for what is for one
    # interface alone: so that each of these stands for all.
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"^interface .*$", "", text, flags=re.MULTILINE), encoding="utf-8")
    done = _run(["dhcpcd", "--config", str(file), "--variables"])
    if "Interface options:" not in done.output:
        raise _fails_here("dhcpcd", done.errors)
    # Of its own account it says when that is missing, as on a machine that only has the program.
    return [Complaint(line) for line in done.lines if not line.startswith("no such user")]


def _systemd(file: Path, _: list[str]) -> list[Complaint]:
    done = _run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)])
    if done.status not in (0, 1):
        raise _fails_here("systemd-analyze", done.errors)
    pattern = rf"{re.escape(str(file))}:(?P<line>\d+): (?P<said>.*)"
    found = [match for line in done.lines if (match := re.search(pattern, line))]
    # What it says of other units and of programs that are missing is about this machine.
    return [Complaint(match["said"], int(match["line"])) for match in found]


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

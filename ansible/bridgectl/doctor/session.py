"""One connection to a Pi, over which its shell is asked."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import os
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

import paramiko

from bridgectl.doctor.ssh_config import KnownKey, Settings

_CONNECT_SECONDS = 12
# A Pi that swaps takes its time before it lets somebody in.
_LOGIN_SECONDS = 30
_MOST_BYTES = 64 * 1024 * 1024
_PIECE = 65536

# What it runs as: root where sudo asks for nothing, else whoever has logged in. In words that any
# login shell hands on.
_SHELL = (
    'sh -c \'sudo -n true < /dev/null 2> /dev/null && exec sudo -n sh -s -- "$@"; '
    'exec sh -s -- "$@"\' sh'
)


class Unreached(Exception):  # noqa: N818 - it is no error of ours
    """The Pi was not reached; says so in OpenSSH's words, which ``contact`` explains."""


@dataclasses.dataclass(frozen=True)
class Ran:
    """What became of a script on the Pi.

    Attributes:
        status: its exit status; -1 where the connection broke off or time was up.
        output: what it printed, without its errors.
    """

    status: int
    output: bytes


class Session:
    """An open connection.

    Attributes:
        fingerprint: of the host's key, as ``ssh-keygen -l`` shows it.
        known: whether that key is among those of the known hosts.
    """

    def __init__(self, client: paramiko.SSHClient, fingerprint: str, *, known: bool) -> None:
        """Take a client that is connected."""
        self._client = client
        self.fingerprint = fingerprint
        self.known = known

    def run(self, script: str, *arguments: str, timeout_seconds: float) -> Ran:
        """Have the Pi's own shell read a script, as root where that is possible.

        Args:
            script: in POSIX shell.
            arguments: its positional parameters.
            timeout_seconds: for all of it.
        """
        deadline = time.monotonic() + timeout_seconds
        output = bytearray()
        try:
            transport = self._client.get_transport()
            if transport is None:
                return Ran(-1, b"")
            with transport.open_session(timeout=_CONNECT_SECONDS) as channel:
                channel.exec_command(f"{_SHELL} {shlex.join(arguments)}")
                channel.settimeout(timeout_seconds)
                channel.sendall(script.encode())
                channel.shutdown_write()
                while piece := _piece(channel, deadline):
                    output += piece
                    if len(output) > _MOST_BYTES:
                        return Ran(-1, bytes(output))
                if not channel.status_event.wait(max(0, deadline - time.monotonic())):
                    return Ran(-1, bytes(output))
                return Ran(channel.recv_exit_status(), bytes(output))
        except (OSError, EOFError, paramiko.SSHException):
            return Ran(-1, bytes(output))


def _piece(channel: paramiko.Channel, deadline: float) -> bytes:
    """Return what has come; nothing at the end.

    Raises:
        TimeoutError: the time is up.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
    return bytes(channel.recv(_PIECE))


@contextlib.contextmanager
def connected(settings: Settings, known: Sequence[KnownKey]) -> Iterator[Session]:
    """Log into a Pi by key, as long as a ``with`` lasts.

    A key that is not the known one ends it. One of a host that is not known at all is shown and
    not stored, for nothing is changed there and nothing secret is sent: no password, and a
    signature that is worth nothing elsewhere. ``StrictHostKeyChecking yes`` refuses it.

    Args:
        settings: how to reach it.
        known: the keys that it may show.

    Raises:
        Unreached: it was not reached, or did not let us in.
    """
    judge = _Judge(known, strict=settings.strict)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(judge)
    for key in judge.right_keys():
        # paramiko asks for a key of a known kind then, as ssh does.
        client.get_host_keys().add(_name(settings), key.get_name(), key)
    with contextlib.ExitStack() as stack:
        way = stack.enter_context(_way(settings))
        stack.callback(client.close)
        with _in_openssh_s_words(way), _agent(settings):
            client.connect(
                settings.address,
                settings.port,
                settings.user,
                sock=way.socket,
                key_filename=[str(each) for each in settings.key_files],
                allow_agent=settings.agent != "",
                look_for_keys=False,
                timeout=_CONNECT_SECONDS,
                banner_timeout=_LOGIN_SECONDS,
                auth_timeout=_LOGIN_SECONDS,
            )
        transport = client.get_transport()
        shown = transport.get_remote_server_key().asbytes() if transport else b""
        yield Session(client, fingerprint(shown), known=judge.knows_some)


def fingerprint(key: bytes) -> str:
    """Write a key's fingerprint as OpenSSH does."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _name(settings: Settings) -> str:
    """Name a host as paramiko looks it up."""
    port = settings.port
    return settings.address if port == paramiko.config.SSH_PORT else f"[{settings.address}]:{port}"


class _Judge(paramiko.MissingHostKeyPolicy):  # type: ignore[misc] # paramiko carries no types
    """Judges a key that is not the known one of its kind."""

    def __init__(self, known: Sequence[KnownKey], *, strict: bool) -> None:
        self._revoked = {each.key for each in known if each.revoked}
        self._right = [each for each in known if each.key not in self._revoked]
        self._strict = strict

    @property
    def knows_some(self) -> bool:
        """Whether the host is known, and has shown a right key then."""
        return bool(self._right)

    def right_keys(self) -> Iterator[paramiko.PKey]:
        """Name the known keys of kinds that paramiko knows."""
        for each in self._right:
            with contextlib.suppress(paramiko.SSHException, ValueError):
                yield paramiko.PKey.from_type_string(each.kind, base64.b64decode(each.key))

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Say whether an unknown key will do.

        Raises:
            Unreached: it will not.
        """
        del client, hostname
        # Others are known of this host: whoever has this one is not it.
        if self._right or base64.b64encode(key.asbytes()).decode() in self._revoked:
            shown = fingerprint(key.asbytes())
            raise Unreached(f"REMOTE HOST IDENTIFICATION HAS CHANGED to {shown}")
        if self._strict:
            raise Unreached("Host key verification failed.")


@dataclasses.dataclass
class _Way:
    """What the connection goes over.

    Attributes:
        socket: the connection; None where paramiko is to make it.
        said: what the command in between has complained of.
    """

    socket: socket.socket | None = None
    errors: str = ""

    @property
    def said(self) -> str:
        """What the command in between has said so far."""
        if not self.errors:
            return ""
        with open(self.errors, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return " ".join(file.read().split())


@contextlib.contextmanager
def _way(settings: Settings) -> Iterator[_Way]:
    """Make the connection, or have the command make it that ssh's configuration names."""
    if settings.proxy is None:
        yield _Way()
        return
    ours, theirs = socket.socketpair()
    with tempfile.NamedTemporaryFile(prefix="pvs-bridge-") as errors, ours:
        with theirs:
            process = subprocess.Popen(
                ["sh", "-c", settings.proxy],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=errors,
                start_new_session=True,
            )
        try:
            yield _Way(ours, errors.name)
        finally:
            ours.close()
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _agent(settings: Settings) -> Iterator[None]:
    """Have paramiko ask the agent that ssh would ask; it looks into the environment alone."""
    name = "SSH_AUTH_SOCK"
    before = os.environ.get(name)
    if settings.agent:
        os.environ[name] = settings.agent
    try:
        yield
    finally:
        if settings.agent:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


@contextlib.contextmanager
def _in_openssh_s_words(way: _Way) -> Iterator[None]:
    """Say what keeps us out as OpenSSH does, so that one place explains it.

    Raises:
        Unreached: something does.
    """
    try:
        yield
    except Unreached:
        raise
    except paramiko.BadHostKeyException as error:
        shown = fingerprint(error.key.asbytes())
        raise Unreached(f"REMOTE HOST IDENTIFICATION HAS CHANGED to {shown}") from error
    except paramiko.PasswordRequiredException as error:
        raise Unreached(
            "Permission denied: your private key is locked by a passphrase; ssh-add opens it"
        ) from error
    except paramiko.AuthenticationException as error:
        raise Unreached("Permission denied (publickey).") from error
    except paramiko.ssh_exception.NoValidConnectionsError as error:
        # One a name's address; they differ in nothing that matters.
        (first, *_) = error.errors.values()
        raise Unreached(_words(first)) from error
    except socket.gaierror as error:
        raise Unreached(f"Could not resolve hostname: {error.strerror}") from error
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Unreached(way.said or _words(error)) from error


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "Connection timed out"
    known: Mapping[type[BaseException], str] = {
        ConnectionRefusedError: "Connection refused",
        ConnectionResetError: "Connection reset by peer",
        EOFError: "Connection closed by remote host",
    }
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return known.get(type(error), text)

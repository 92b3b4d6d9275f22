"""An SSH connection to a Pi, which runs scripts in its shell."""

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
# A Pi that swaps is slow to log in.
_LOGIN_SECONDS = 30
_MOST_BYTES = 64 * 1024 * 1024
_PIECE = 65536

# Runs as root if sudo needs no password, or if the first line of the input is the password; else as
# the remote user. sudo -k stores nothing, and no program gets the password as an argument. Quoted
# for any login shell.
_SHELL = (
    "sh -c 'IFS= read -r password; "
    'sudo -n true < /dev/null 2> /dev/null && exec sudo -n sh -s -- "$@"; '
    'if [ "$password" ] && printf "%s\\n" "$password" | sudo -k -S -p "" true 2> /dev/null; then '
    '{ printf "%s\\n" "$password"; exec cat; } | sudo -k -S -p "" sh -s -- "$@"; exit; fi; '
    'exec sh -s -- "$@"\' sh'
)


class UnreachableError(Exception):
    """The login has failed; the message is OpenSSH's, which plugin_utils/contact.py explains."""


@dataclasses.dataclass(frozen=True)
class ScriptResult:
    """The result of a script on the Pi.

    Attributes:
        status: its exit status; -1 after a broken connection or a timeout.
        output: its standard output.
    """

    status: int
    output: bytes


class Session:
    """An open connection.

    Attributes:
        fingerprint: of the host key, as shown by ``ssh-keygen -l``.
        known: whether the key is in known_hosts.
    """

    def __init__(
        self, client: paramiko.SSHClient, fingerprint: str, *, known: bool, password: str = ""
    ) -> None:
        """Keep a connected client, and the password for sudo."""
        self._client = client
        # Not for a machine that may be another one.
        self._password = password if known else ""
        self.fingerprint = fingerprint
        self.known = known

    def run(self, script: str, *arguments: str, timeout_seconds: float) -> ScriptResult:
        """Run a script in the Pi's shell, as root if possible.

        Args:
            script: in POSIX shell.
            arguments: its positional parameters.
            timeout_seconds: for the whole script.
        """
        deadline = time.monotonic() + timeout_seconds
        output = bytearray()
        try:
            transport = self._client.get_transport()
            if transport is None:
                return ScriptResult(-1, b"")
            with transport.open_session(timeout=_CONNECT_SECONDS) as channel:
                channel.exec_command(f"{_SHELL} {shlex.join(arguments)}")
                channel.settimeout(timeout_seconds)
                channel.sendall(f"{self._password}\n{script}".encode())
                channel.shutdown_write()
                while piece := _receive(channel, deadline):
                    output += piece
                    if len(output) > _MOST_BYTES:
                        return ScriptResult(-1, bytes(output))
                if not channel.status_event.wait(max(0, deadline - time.monotonic())):
                    return ScriptResult(-1, bytes(output))
                return ScriptResult(channel.recv_exit_status(), bytes(output))
        except (OSError, EOFError, paramiko.SSHException):
            return ScriptResult(-1, bytes(output))


def _receive(channel: paramiko.Channel, deadline: float) -> bytes:
    """Return the received bytes; empty at the end.

    Raises:
        TimeoutError: the deadline has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
    return bytes(channel.recv(_PIECE))


@contextlib.contextmanager
def connected(
    settings: Settings, known: Sequence[KnownKey], password: str = ""
) -> Iterator[Session]:
    """Log in to a Pi with a key, and close the connection at the end of the ``with``.

    A changed host key is rejected. An unknown one is shown but not stored. That is safe, because
    the doctor changes nothing and sends no password to it, and the signature of the login is of no
    use on another host. ``StrictHostKeyChecking yes`` rejects unknown keys.

    Args:
        settings: how ssh connects to it.
        known: its keys in known_hosts.
        password: of the remote user, for sudo; empty if it is not known.

    Raises:
        UnreachableError: the login has failed.
    """
    policy = _HostKeyPolicy(known, strict=settings.strict)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(policy)
    for key in policy.known_keys():
        # Makes paramiko request a key of a known type, as ssh does.
        client.get_host_keys().add(_name(settings), key.get_name(), key)
    with contextlib.ExitStack() as stack:
        used = stack.enter_context(_transport(settings))
        stack.callback(client.close)
        with _openssh_messages(used), _agent(settings):
            client.connect(
                settings.address,
                settings.port,
                settings.user,
                sock=used.socket,
                key_filename=[str(each) for each in settings.key_files],
                allow_agent=settings.agent != "",
                look_for_keys=False,
                timeout=_CONNECT_SECONDS,
                banner_timeout=_LOGIN_SECONDS,
                auth_timeout=_LOGIN_SECONDS,
            )
        transport = client.get_transport()
        shown = transport.get_remote_server_key().asbytes() if transport else b""
        yield Session(client, fingerprint(shown), known=policy.knows_host, password=password)


def fingerprint(key: bytes) -> str:
    """Write a key's fingerprint as OpenSSH does."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _name(settings: Settings) -> str:
    """Return the host's name in paramiko's table of keys."""
    port = settings.port
    return settings.address if port == paramiko.config.SSH_PORT else f"[{settings.address}]:{port}"


class _HostKeyPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc] # paramiko has no types
    """Decides about keys that are not in known_hosts."""

    def __init__(self, known: Sequence[KnownKey], *, strict: bool) -> None:
        self._revoked = {each.key for each in known if each.revoked}
        self._valid = [each for each in known if each.key not in self._revoked]
        self._strict = strict

    @property
    def knows_host(self) -> bool:
        """Whether the host has keys in known_hosts; then its key is one of them."""
        return bool(self._valid)

    def known_keys(self) -> Iterator[paramiko.PKey]:
        """Return the known keys of types that paramiko supports."""
        for each in self._valid:
            with contextlib.suppress(paramiko.SSHException, ValueError):
                yield paramiko.PKey.from_type_string(each.kind, base64.b64decode(each.key))

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Accept or reject an unknown key.

        Raises:
            UnreachableError: the key is rejected.
        """
        del client, hostname
        # The host has other keys in known_hosts, or this key is revoked.
        if self._valid or base64.b64encode(key.asbytes()).decode() in self._revoked:
            shown = fingerprint(key.asbytes())
            raise UnreachableError(f"REMOTE HOST IDENTIFICATION HAS CHANGED to {shown}")
        if self._strict:
            raise UnreachableError("Host key verification failed.")


@dataclasses.dataclass
class _Transport:
    """The transport of the connection.

    Attributes:
        socket: the connection; None if paramiko opens it.
        errors: the file with the standard error of the proxy command; empty for none.
    """

    socket: socket.socket | None = None
    errors: str = ""

    @property
    def error(self) -> str:
        """The standard error of the proxy command so far."""
        if not self.errors:
            return ""
        with open(self.errors, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return " ".join(file.read().split())


@contextlib.contextmanager
def _transport(settings: Settings) -> Iterator[_Transport]:
    """Start the proxy command of ssh's configuration, if there is one."""
    if settings.proxy is None:
        yield _Transport()
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
            yield _Transport(ours, errors.name)
        finally:
            ours.close()
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _agent(settings: Settings) -> Iterator[None]:
    """Make paramiko use the agent of ssh's configuration; it only reads the environment."""
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
def _openssh_messages(transport: _Transport) -> Iterator[None]:
    """Convert errors to OpenSSH's messages, so that one module explains them.

    Raises:
        UnreachableError: the login has failed.
    """
    try:
        yield
    except UnreachableError:
        raise
    except paramiko.BadHostKeyException as error:
        shown = fingerprint(error.key.asbytes())
        raise UnreachableError(f"REMOTE HOST IDENTIFICATION HAS CHANGED to {shown}") from error
    except paramiko.PasswordRequiredException as error:
        raise UnreachableError(
            "Permission denied: your private key is locked by a passphrase; ssh-add opens it"
        ) from error
    except paramiko.AuthenticationException as error:
        raise UnreachableError("Permission denied (publickey).") from error
    except paramiko.ssh_exception.NoValidConnectionsError as error:
        # One error for each address of the name; the first one is enough.
        (first, *_) = error.errors.values()
        raise UnreachableError(_message(first)) from error
    except socket.gaierror as error:
        raise UnreachableError(f"Could not resolve hostname: {error.strerror}") from error
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise UnreachableError(transport.error or _message(error)) from error


def _message(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "Connection timed out"
    known: Mapping[type[BaseException], str] = {
        ConnectionRefusedError: "Connection refused",
        ConnectionResetError: "Connection reset by peer",
        EOFError: "Connection closed by remote host",
    }
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return known.get(type(error), text)

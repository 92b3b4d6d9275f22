"""Encrypt and decrypt with the program age, which asks for a passphrase on the terminal itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TypeVar

from pvs_bridge.errors import IssueError, Location

Result = TypeVar("Result")

_ERROR = re.compile(r"^age: (?:error: )?(.+)$", re.MULTILINE)
_CHUNK = 1024**2


def check_installed() -> None:
    """Check that the program exists.

    Raises:
        IssueError: It does not.
    """
    if shutil.which("age") is None:
        raise IssueError("the program age is missing", "run sudo apt install age")


def encrypt(recipients: Sequence[str], out: IO[bytes], write: Callable[[IO[bytes]], None]) -> None:
    """Encrypt what a function writes.

    Args:
        recipients: Options of age; without them it asks for a passphrase.
        out: An open file or pipe.
        write: Gets the stream for the content.

    Raises:
        IssueError: age failed: a wrong recipient, no terminal, or a full disk.
    """
    process = subprocess.Popen(
        ["age", "--encrypt", *(recipients or ["--passphrase"])],
        stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        if process.stdin is not None:
            # age says why it has ended early.
            try:
                with process.stdin as stream:
                    write(stream)
            except BrokenPipeError:
                pass
        _check_end(process, "the backup was not encrypted", "", "")
    finally:
        _end(process)


def decrypt(file: Path, identity: Path | None, read: Callable[[IO[bytes]], Result]) -> Result:
    """Decrypt a file, and return what a function has read from it.

    Args:
        file: The file.
        identity: A file with a private key of age or SSH; None for a passphrase.
        read: Gets the content, which is authentic only once this function returns.

    Raises:
        IssueError: The passphrase or key is wrong, or the file is damaged; or that of ``read``.
    """
    if not file.is_file():
        raise IssueError("the file does not exist", "name a backup", Location(str(file)))
    process = subprocess.Popen(
        ["age", "--decrypt", *(["--identity", str(identity)] if identity else []), str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    hint = "check passphrase or key, and that the file is a complete backup"
    try:
        found: Result | IssueError
        if process.stdout is None:
            raise AssertionError
        try:
            found = read(process.stdout)
        except IssueError as error:
            found = error
        # The end of age tells whether all of it was authentic.
        while process.stdout.read(_CHUNK):
            pass
        _check_end(process, "the backup cannot be decrypted", hint, str(file))
    finally:
        _end(process)
    if isinstance(found, IssueError):
        raise found
    return found


def _check_end(process: subprocess.Popen[bytes], problem: str, hint: str, file: str) -> None:
    said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.wait() != 0:
        reason = _ERROR.search(said)
        text = reason[1] if reason else said.strip() or f"age ended with {process.returncode}"
        raise IssueError(f"{problem}: {text}", hint, Location(file))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            stream.close()

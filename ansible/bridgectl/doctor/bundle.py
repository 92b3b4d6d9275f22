"""Support bundle: report, logs and configuration, with secrets removed."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bridgectl.doctor import report
from bridgectl.doctor.examine import Examination
from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.redact import REMOVED, Secrets
from bridgectl.errors import CannotWorkError

_COLLECT = Path(__file__).with_name("collect.sh")
_COLLECT_SECONDS = 240
_WIDTH = 100

_ABOUT = f"""\
Support bundle of the bridge {{name}}, created with `make doctor ARGS=--bundle` on {{when}}.

report.txt   the doctor's report
files/       configuration files, at their paths on the Pi
output/      output of programs on the Pi

Secrets were replaced by {REMOVED} before anything was stored: passphrases and keys of Wi-Fi
networks, passwords and their hashes, SSH keys, sessions, serial numbers of the PVS and its devices
and values derived from them, machine identifiers, and public IPv6 addresses. Hardware addresses
keep their vendor prefix and a number per device. Names of Wi-Fi networks, users and hosts, and
addresses within the home are unchanged. Read the files before you share them.
"""


def write(examination: Examination, folder: Path) -> tuple[Path, int]:
    """Collect a bridge's logs and configuration in an archive.

    Args:
        examination: of the bridge, with an open connection; without one, the archive contains only
            the report.
        folder: for the archive; created if it is missing.

    Returns:
        the archive, readable only for its owner; and the number of removed secrets.

    Raises:
        CannotWorkError: it cannot be written, or would contain a known secret.
    """
    now = time.gmtime()
    texts = {"report.txt": report.text(examination, _WIDTH) + "\n", **_collected(examination)}
    secrets = Secrets(examination.target.secrets)
    for answer in examination.answers:
        secrets.learn(answer)
    for name, text in texts.items():
        # Logs contain many harmless values after the same names, which would then be removed
        # everywhere.
        if name.startswith("files/"):
            secrets.learn(text)
    cleaned = {secrets.clean(name): secrets.clean(text) for name, text in texts.items()}
    for name, text in cleaned.items():
        if secrets.left_in(name) or secrets.left_in(text):
            raise CannotWorkError(
                f"{name} contains a secret, so the bundle was not written",
                "report a bug with the name of the file, without its content",
            )
    about = _ABOUT.format(
        name=examination.target.name, when=time.strftime("%Y-%m-%d at %H:%M UTC", now)
    )
    stem = f"doctor-{examination.target.name}-{time.strftime('%Y%m%dT%H%M%SZ', now)}"
    archive = folder / f"{stem}.tar.xz"
    _store(archive, _packed(stem, {"README.txt": about, **cleaned}, int(time.mktime(now))))
    return archive, secrets.count


def _collected(examination: Examination) -> Mapping[str, str]:
    if examination.session is None:
        return {}
    done = examination.session.run(
        _COLLECT.read_text(encoding="utf-8"),
        examination.target.uplink_interface,
        timeout_seconds=_COLLECT_SECONDS,
    )
    output = ProbeOutput.read(done.output.decode(errors="replace"))
    return {name: f"{each.text}\n" for name, each in output if each.text}


def _packed(stem: str, texts: Mapping[str, str], mtime: int) -> bytes:
    """Pack texts into an archive with one folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for name, text in texts.items():
            content = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{stem}/{name}")
            member.size, member.mtime, member.mode = len(content), mtime, 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _store(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        CannotWorkError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp creates the file readable only for its owner.
        handle, temporary = tempfile.mkstemp(prefix=".doctor-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).rename(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWorkError(
            f"{path} cannot be written: {error.strerror}", "use another folder with --output"
        ) from error

"""One archive with what helps whoever helps: report, logs, configuration, without the secrets."""

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
from bridgectl.doctor.probe_output import Recording
from bridgectl.doctor.redact import REMOVED, Secrets
from bridgectl.validate.report import CannotWorkError

_COLLECT = Path(__file__).with_name("collect.sh")
_COLLECT_SECONDS = 240
_WIDTH = 100

_ABOUT = f"""\
What `make doctor ARGS=--bundle` has collected of the bridge {{name}}, on {{when}}.

report.txt   the doctor's own findings
files/       configuration, at the paths that it has on the Pi
output/      what programs on the Pi have said

Secrets were taken out before any of it was stored, and stand here as {REMOVED}: passphrases and
keys of Wi-Fi networks, passwords and their hashes, SSH's keys, sessions, serial numbers of the PVS
and its devices with what follows from them, identifiers of the machine, and public IPv6 addresses.
Of hardware addresses the maker is left, and a number that tells the devices apart. Names of Wi-Fi
networks, of users and of hosts, and addresses within the home are left as they are: read it before
you hand it on.
"""


def write(examination: Examination, folder: Path) -> tuple[Path, int]:
    """Collect a bridge's logs and configuration into an archive.

    Args:
        examination: of the bridge, its connection still open; without one, the report is all.
        folder: for the archive; made where it is missing.

    Returns:
        the archive, readable for its owner alone; and how much was taken out of it.

    Raises:
        CannotWorkError: it cannot be written, or a secret is left in it, which is then not written.
    """
    now = time.gmtime()
    texts = {"report.txt": report.text(examination, _WIDTH) + "\n", **_collected(examination)}
    secrets = Secrets(examination.patient.secrets)
    for heard in examination.heard:
        secrets.learn(heard)
    for name, text in texts.items():
        # A log says much behind telling names that is no secret, and would blacken the rest.
        if name.startswith("files/"):
            secrets.learn(text)
    cleaned = {secrets.clean(name): secrets.clean(text) for name, text in texts.items()}
    for name, text in cleaned.items():
        if secrets.left_in(name) or secrets.left_in(text):
            raise CannotWorkError(
                f"a secret is left in {name}, so the bundle was not written",
                "report this, with the name of the file and not with its text",
            )
    about = _ABOUT.format(
        name=examination.patient.name, when=time.strftime("%Y-%m-%d at %H:%M UTC", now)
    )
    stem = f"doctor-{examination.patient.name}-{time.strftime('%Y%m%dT%H%M%SZ', now)}"
    archive = folder / f"{stem}.tar.xz"
    _store(archive, _packed(stem, {"README.txt": about, **cleaned}, int(time.mktime(now))))
    return archive, secrets.count


def _collected(examination: Examination) -> Mapping[str, str]:
    if examination.session is None:
        return {}
    done = examination.session.run(
        _COLLECT.read_text(encoding="utf-8"),
        examination.patient.uplink_interface,
        timeout_seconds=_COLLECT_SECONDS,
    )
    said = Recording.read(done.output.decode(errors="replace"))
    return {name: f"{each.text}\n" for name, each in said if each.text}


def _packed(stem: str, texts: Mapping[str, str], mtime: int) -> bytes:
    """Pack texts into an archive, within one folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for name, text in texts.items():
            content = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{stem}/{name}")
            member.size, member.mtime, member.mode = len(content), mtime, 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _store(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        CannotWorkError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable for its owner alone from the first moment.
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
            f"{path} cannot be written: {error.strerror}", "name another folder by --output"
        ) from error

"""A signed Debian repository with the package, as static files."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from pvs_image import programs
from pvs_image.errors import ImageError

KEYRING = "pvs-bridge-archive-keyring.gpg"
SOURCES = "pvs-bridge.sources"
_SOURCES = """\
Types: deb
URIs: {url}
Suites: ./
Signed-By: /usr/share/keyrings/{keyring}
"""
_RELEASE = {"Origin": "pvs-bridge", "Suite": "stable", "Architectures": "all"}
_DAY_SECONDS = 86400
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40}")


def build_repository(
    package: Path, folder: Path, *, key: str, url: str, valid_seconds: int
) -> list[Path]:
    """Replace a folder by the repository. The files appear when all of them are complete.

    Args:
        package: the Debian package.
        folder: the output folder.
        key: the fingerprint of a key in the user's GnuPG keyring.
        url: where the files will be served.
        valid_seconds: the time until apt refuses the repository, unless it was built again.

    Returns:
        its files.

    Raises:
        ImageError: an option is missing, or GnuPG cannot use the key.
    """
    _check(key, url)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".repository-", dir=folder.parent) as scratch:
        new = Path(scratch, "new")
        new.mkdir()
        shutil.copy(package, new)
        # Run inside, because the index has the names as they are found.
        programs.run("apt-ftparchive", "packages", ".", output=new / "Packages", folder=new)
        release = [f"-oAPT::FTPArchive::Release::{name}={text}" for name, text in _RELEASE.items()]
        release.append(f"-oAPT::FTPArchive::Release::ValidTime={valid_seconds}")
        # Outside of the folder, because the file must not list itself.
        unsigned = Path(scratch, "Release")
        programs.run("apt-ftparchive", *release, "release", ".", output=unsigned, folder=new)
        _sign(unsigned, new / "InRelease", key)
        programs.run("gpg", "--batch", "--export", key, output=new / KEYRING)
        (new / SOURCES).write_text(_SOURCES.format(url=url, keyring=KEYRING), encoding="utf-8")
        new.chmod(0o755)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        new.rename(folder)
    return sorted(folder.iterdir())


def valid_seconds(days: str) -> int:
    """Read the option with the number of days.

    Raises:
        ImageError: it is not a number of days.
    """
    if not (days.isdecimal() and 0 < int(days) <= 3650):
        raise ImageError(
            f"VALID_DAYS must be a number of days from 1 to 3650, got {days}",
            "choose how often you will build the repository at least, such as VALID_DAYS=90",
        )
    return int(days) * _DAY_SECONDS


def _check(key: str, url: str) -> None:
    # gpg takes the first key that has any other text in its name.
    if not _FINGERPRINT.fullmatch(key):
        raise ImageError(
            f"KEY must be the fingerprint of a key, 40 hexadecimal digits, got {key or 'none'}",
            "gpg --list-secret-keys shows the fingerprints of the keys that can sign",
        )
    if not url.startswith(("http://", "https://", "file:/")) or " " in url:
        raise ImageError(
            f"BASE_URL must be a URL, got {url or 'none'}",
            "give the web folder that will hold the files: BASE_URL=https://example.org/pvs-bridge",
        )


def _sign(unsigned: Path, signed: Path, key: str) -> None:
    try:
        programs.run(
            "gpg", "--batch", "--yes", "--local-user", key, "--clearsign", "--output", signed,
            unsigned,
        )  # fmt: skip
    except ImageError as error:
        raise ImageError(
            f"KEY={key} cannot sign: {error.problem}",
            "gpg --list-secret-keys shows the keys that can",
        ) from error

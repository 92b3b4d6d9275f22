"""The Debian package: the copy of this project that a Pi uses to provision itself."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
import time
from email.utils import formatdate
from pathlib import Path

from pvs_image import programs
from pvs_image.paths import IMAGE, PROJECT
from pvs_image.project_copy import copy_documentation, copy_project
from pvs_image.release import project_version

_PROJECT = "usr/share/pvs-bridge"
_DOCUMENTATION = "usr/share/doc/pvs-bridge"
_COMMAND = "../share/pvs-bridge/roles/agent/files/pvs_bridge/__main__.py"
_LISTED = re.compile(r"^  ([a-z-]+) +(.+)$", re.MULTILINE)
_CHANGES = """\
pvs-bridge ({version}) unstable; urgency=medium

  * See CHANGELOG.md.gz in this folder.

 -- The pvs-bridge authors <pvs-bridge@example.org>  {date}
"""


def build_package(folder: Path, epoch: int) -> Path:
    """Build the package; the same project and date make the same bytes.

    Args:
        folder: the output folder.
        epoch: the build date, in seconds since 1970.

    Returns:
        its file.

    Raises:
        ImageError: the project is not a git clone, or dpkg-deb fails.
    """
    version = project_version()
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"pvs-bridge_{version}_all.deb"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "root")
        copy_project(root / _PROJECT)
        _write_documentation(root, version, epoch)
        overrides = root / "usr/share/lintian/overrides/pvs-bridge"
        overrides.parent.mkdir(parents=True)
        shutil.copyfile(IMAGE / "package/lintian-overrides", overrides)
        command = root / "usr/bin/pvs-bridge"
        command.parent.mkdir()
        command.symlink_to(_COMMAND)
        _write_control(root, version)
        _set_modes_and_dates(root, epoch)
        built = Path(scratch, package.name)
        programs.run(
            "dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, built,
            environment={"SOURCE_DATE_EPOCH": str(epoch)},
        )  # fmt: skip
        shutil.move(built, package)
    return package


def _write_documentation(root: Path, version: str, epoch: int) -> None:
    folder = root / _DOCUMENTATION
    copy_documentation(folder)
    words = {"version": version, "date": formatdate(epoch)}
    _write_gz(folder / "changelog.gz", _CHANGES.format(**words))
    _write_gz(folder / "CHANGELOG.md.gz", (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"))
    licence = (PROJECT / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2]
    lines = (f" {line or '.'}" for line in licence.strip().splitlines())
    copyright_text = (IMAGE / "package/copyright").read_text(encoding="utf-8")
    (folder / "copyright").write_text(
        copyright_text.replace("{license}", "\n".join(lines)), encoding="utf-8"
    )
    words["date"] = time.strftime("%Y-%m-%d", time.gmtime(epoch))
    _write_gz(root / "usr/share/man/man1/pvs-bridge.1.gz", manual(words))


def manual(words: dict[str, str]) -> str:
    """Return the manual page.

    Args:
        words: version and date.

    Raises:
        ImageError: the agent does not start.
    """
    program = PROJECT / "roles/agent/files/pvs_bridge/__main__.py"
    usage = programs.run("python3", "-I", "-B", program, "--help")
    commands = (
        f".TP\n.B {name}\n{text[0].upper()}{text[1:]}.".replace("-", "\\-")
        for name, text in _LISTED.findall(usage)
    )
    page = (IMAGE / "package/pvs-bridge.1").read_text(encoding="utf-8")
    for name, text in {**words, "commands": "\n".join(commands)}.items():
        page = page.replace(f"{{{name}}}", text)
    return page


def _write_control(root: Path, version: str) -> None:
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    sums = [f"{_md5(path)}  {path.relative_to(root)}\n" for path in files]
    size = sum(path.stat().st_size for path in files)
    control = root / "DEBIAN"
    control.mkdir()
    (control / "md5sums").write_text("".join(sums), encoding="utf-8")
    text = (IMAGE / "package/control").read_text(encoding="utf-8")
    (control / "control").write_text(
        text.format(version=version, installed_kib=-(-size // 1024)), encoding="utf-8"
    )
    shutil.copyfile(IMAGE / "package/prerm", control / "prerm")
    (control / "prerm").chmod(0o755)


def _set_modes_and_dates(root: Path, epoch: int) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _write_gz(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()

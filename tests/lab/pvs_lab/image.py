"""Root file systems: built once from Debian packages, then cached."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pvs_lab.errors import LabError
from pvs_lab.paths import cache_dir
from pvs_lab.recipes import Recipe

# Increase it when the code below changes the result of a recipe.
_BUILDER_VERSION = 1
_OFFER_DIR = "/lab-packages"
# netplan and NetworkManager refuse files that other users can read.
_SECRET = ("/etc/netplan/", "/etc/NetworkManager/system-connections/", "/etc/wpa_supplicant/")


@dataclasses.dataclass(frozen=True)
class Image:
    """A built image.

    Attributes:
        root: the Pi's file system; never written to, each lab puts an overlay on it.
        packages: a flat package archive that the lab's package server offers.
        layers: folders to mount over the root, the topmost first; never written to either.
    """

    root: Path
    packages: Path
    layers: tuple[Path, ...] = ()


def provide(recipe: Recipe, report: Callable[[str], None]) -> Image:
    """Return the image of a recipe, building it when the cache lacks it.

    Args:
        recipe: what the image contains.
        report: called with a line to show when something takes time.

    Raises:
        LabError: the build failed; the log's path is in the message.
    """
    description = json.dumps([_BUILDER_VERSION, recipe.description()], sort_keys=True)
    digest = hashlib.sha256(description.encode()).hexdigest()[:12]
    folder = cache_dir() / "rootfs"
    final = folder / f"{recipe.release}-{recipe.backend}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f"{final.name}.lock"):
        if not final.exists():
            started = time.monotonic()
            report(f"building the {recipe.release} {recipe.backend} image, about a minute")
            _build(recipe, final)
            report(f"image built and cached in {time.monotonic() - started:.0f} s")
    return Image(root=final / "root", packages=final / "packages")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that two processes do not build the same thing."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, final: Path) -> None:
    """Build into a temporary folder and rename: a half-built image never has the final name."""
    log = final.with_suffix(".log")
    with tempfile.TemporaryDirectory(prefix="building-", dir=final.parent) as temporary:
        work = Path(temporary)
        # The container's users could not read a folder with tempfile's mode.
        work.chmod(0o755)
        (work / "packages").mkdir()
        _put(recipe.early_files, work / "early")
        with log.open("w") as output:
            done = subprocess.run(
                _mmdebstrap_command(recipe, work), stdout=output, stderr=output, check=False
            )
        if done.returncode:
            raise LabError(
                f"building the {recipe.release} {recipe.backend} image failed; log: {log}",
                "see the log's last lines; DEBIAN_MIRROR=http://... chooses another mirror",
            )
        _index_packages(work / "packages")
        _write_files(recipe, work / "root")
        log.unlink()
        ready = work.with_name(f"{work.name}.ready")
        work.rename(ready)
        work.mkdir()  # for TemporaryDirectory to remove
        ready.rename(final)


def _write_files(recipe: Recipe, root: Path) -> None:
    """Write what a recipe has beside its packages."""
    _put(recipe.files, root)
    for path, where in recipe.links:
        link = root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(where)


def _put(files: tuple[tuple[str, str], ...], root: Path) -> None:
    """Write files into a tree, their folders included."""
    for path, text in files:
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o600 if path.startswith(_SECRET) else 0o644)


def _mmdebstrap_command(recipe: Recipe, work: Path) -> list[str]:
    """The command that builds ``work/root`` and fills ``work/packages``."""
    hooks = _card_hooks() if recipe.is_card else []
    if recipe.on_offer:
        hooks.append(_download_hook(recipe, work))
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--aptopt=APT::Install-Recommends \"false\"",
        # Manuals and translations take time to write, and no test reads them.
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--include={','.join(recipe.packages)}",
        *([f"--essential-hook=cp -r '{work}/early/.' \"$1\""] if recipe.early_files else []),
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.release,
        str(work / "root"),
        os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian"),
    ]  # fmt: skip


def _card_hooks() -> list[str]:
    """Return the hooks for what a card needs beside packages."""
    return [
        'chroot "$1" useradd --create-home --shell /bin/bash pi '
        '&& install -d -m 0700 -o 1000 -g 1000 "$1/home/pi/.ssh"',
        # Each lab writes a machine ID of its own.
        ': > "$1/etc/machine-id"',
        # These timers would run apt while tests measure.
        'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer',
    ]


def _download_hook(recipe: Recipe, work: Path) -> str:
    """Return the hook that puts the packages on offer into ``work/packages``."""
    return (
        f'mkdir -p "$1{_OFFER_DIR}/partial" && chroot "$1" apt-get install --yes '
        f"--download-only --no-install-recommends -o Dir::Cache::archives={_OFFER_DIR} "
        f"{' '.join(recipe.on_offer)} && mv \"$1{_OFFER_DIR}\"/*.deb '{work}/packages/' "
        f'&& rm -r "$1{_OFFER_DIR}"'
    )


def _index_packages(folder: Path) -> None:
    """Write the index that makes a folder of packages an archive for apt."""
    with (folder / "Packages").open("w") as index:
        subprocess.run(["apt-ftparchive", "packages", "."], cwd=folder, stdout=index, check=True)

"""Build an image: run the stages in order, then publish the files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from pvs_image import boot_files, imager_manifest, native_tools, raspios
from pvs_image.build_log import Log
from pvs_image.debian_base import base_stage
from pvs_image.disk_image import make_disk
from pvs_image.errors import ImageError
from pvs_image.partition_layout import Layout
from pvs_image.paths import IMAGE, PROJECT
from pvs_image.provision import provisioned_stage
from pvs_image.publish import publish
from pvs_image.release import BASES, Release, project_version
from pvs_image.scratch_folder import scratch_folder
from pvs_image.stages import Stage, StageResult, Stages, digest_of

_DISK_CODE = (
    "block_map.py", "disk_image.py", "ext4.py", "fat.py", "mbr.py", "partition_layout.py",
)  # fmt: skip
_RASPIOS_CODE = ("block_map.py", "ext4.py", "fat.py", "hard_links.py", "raspios.py")


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """What to build.

    Attributes:
        base: debian or raspios.
        epoch: the build date, in seconds since 1970.
        folder: the output folder.
        base_url: the web folder that will hold the files; empty for use on this machine only.
        base_image: for raspios, the official image: a path or a URL.
        base_sha256: the sha256 of that file.
        fresh: install today's packages instead of those of the cached base.
    """

    base: str
    epoch: int
    folder: Path
    base_url: str = ""
    base_image: str = ""
    base_sha256: str = ""
    fresh: bool = False

    def check(self) -> None:
        """Refuse contradictory options before any work is done.

        Raises:
            ImageError: the base is unknown or takes no image, or the URL is invalid.
        """
        if self.base not in BASES:
            raise ImageError(
                f"BASE must be one of: {', '.join(BASES)} (got {self.base})", "correct BASE="
            )
        if self.base == "debian" and (self.base_image or self.base_sha256):
            raise ImageError(
                "BASE=debian is built from packages and takes neither BASE_IMAGE nor BASE_SHA256",
                "add BASE=raspios, or remove both",
            )
        imager_manifest.location(self.base_url, self.folder)


@dataclasses.dataclass(frozen=True)
class BuildResult:
    """A finished build.

    Attributes:
        image: the .img.xz.
        files: all published files, including the image.
        seconds: the duration of each stage; 0 if it was cached.
    """

    image: Path
    files: tuple[Path, ...]
    seconds: dict[str, float]


def build(options: BuildOptions, stages: Stages) -> BuildResult:
    """Build an image, stage by stage.

    Args:
        options: what to build.
        stages: the cache of stages.

    Raises:
        ImageError: it cannot be built. No incomplete file has a final name then.
    """
    results: list[StageResult] = []

    def provide(stage: Stage, *, again: bool = False) -> Path:
        results.append(stages.provide(stage, again=again))
        return results[-1].file

    layout: Layout | None = None
    tools: Path | None = None
    if options.base == "raspios":
        official = raspios.fetch(options.base_image, options.base_sha256)
        layout = raspios.read_layout(official)
        base = provide(_raspios_stage(official))
    else:
        if native_tools.are_available():
            tools = provide(native_tools.native_tools_stage(), again=options.fresh)
        base = provide(base_stage(tools), again=options.fresh)
    models = boot_files.MODELS if layout is None else ()
    # The role's default is the label of our own layout.
    variables = {"boot_config_boot_label": layout.boot_label} if layout else {}
    rootfs = provide(
        provisioned_stage(base, options.epoch, tools=tools, models=models, variables=variables)
    )
    card = provide(_disk_stage(rootfs, options.epoch, layout))
    seconds = {result.stage: result.seconds for result in results}
    files, seconds["publish"] = publish_if_changed(
        options, stages, card, rootfs, [result.log for result in results]
    )
    image = next(file for file in files if file.name.endswith(".img.xz"))
    return BuildResult(image, files, seconds)


def _raspios_stage(official: Path) -> Stage:
    return Stage(
        name="raspios",
        suffix=".tar",
        depends_on={
            "image": official.name,
            "code": digest_of([IMAGE / "pvs_image" / name for name in _RASPIOS_CODE], IMAGE),
        },
        make=lambda target, _: raspios.read_rootfs(official, target),
    )


def _disk_stage(rootfs: Path, epoch: int, layout: Layout | None) -> Stage:
    def make(target: Path, log: Log) -> None:
        log.step("make both file systems")
        with scratch_folder(target.parent, log) as folder:
            make_disk(rootfs, target, source_date_epoch=epoch, layout=layout, workplace=folder)

    return Stage(
        name="disk",
        suffix=".img",
        depends_on={
            "rootfs": f"{rootfs.name} {rootfs.stat().st_mtime_ns}",
            "epoch": str(epoch),
            "layout": repr(layout),
            "code": digest_of([IMAGE / "pvs_image" / name for name in _DISK_CODE], IMAGE),
        },
        make=make,
    )


def publish_if_changed(
    options: BuildOptions, stages: Stages, card: Path, rootfs: Path, logs: list[Path]
) -> tuple[tuple[Path, ...], float]:
    """Publish the files, unless the output folder already has those of this card.

    Args:
        options: what is built.
        stages: the cache, which also records what has been published.
        card: the unpacked image.
        rootfs: the tar that it was made from.
        logs: of the stages; joined they are the log of the build.

    Returns:
        the files, and the duration in seconds.
    """
    release = Release(project_version(), options.base, options.epoch)
    code = digest_of([IMAGE / "pvs_image", PROJECT / "templates"], PROJECT)
    inputs = [card.name, card.stat().st_mtime_ns, repr(release), options.base_url, code]
    folder_id = hashlib.sha256(str(options.folder.resolve()).encode()).hexdigest()[:16]
    record_file = stages.folder / f"published-{options.base}-{folder_id}.json"
    record = _read_record(record_file)
    files = tuple(options.folder / name for name in record.get("files", {}))
    if files and record == {"inputs": inputs, "files": _stamps(files)}:
        stages.report(f"publish: unchanged in {options.folder}")
        return files, 0.0
    with stages.measured("publish") as duration:
        # Remains of a build that was killed.
        for remains in options.folder.glob(".publishing-*"):
            shutil.rmtree(remains)
        log = stages.folder / f"{release.name}.log"
        log.write_text("".join(part.read_text(errors="replace") for part in logs if part.exists()))
        published = publish(
            card, rootfs, options.folder, release, base_url=options.base_url, log=log
        )
        log.unlink()
    record_file.write_text(json.dumps({"inputs": inputs, "files": _stamps(published.files)}))
    return published.files, duration.seconds


def _stamps(files: tuple[Path, ...]) -> dict[str, list[int]]:
    """Return each existing file's size in bytes and time in ns, which change when it is edited."""
    existing = [file for file in files if file.exists()]
    return {file.name: [file.stat().st_size, file.stat().st_mtime_ns] for file in existing}


def _read_record(file: Path) -> dict[str, dict[str, list[int]]]:
    try:
        record: dict[str, dict[str, list[int]]] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return record

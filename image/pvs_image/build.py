"""From packages to the files that are handed on: the stages in their order."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from pvs_image import boot_files, catalogue, raspios
from pvs_image.base import base_stage
from pvs_image.disk import make_disk
from pvs_image.edition import BASES, Edition
from pvs_image.errors import ImageError
from pvs_image.layout import Layout
from pvs_image.log import Log
from pvs_image.paths import IMAGE, PROJECT
from pvs_image.project import version
from pvs_image.provision import provisioned_stage
from pvs_image.publish import publish
from pvs_image.scratch import scratch
from pvs_image.stages import Made, Stage, Stages, digest_of
from pvs_image.tools import are_lent, tools_stage

_OF_DISK = ("disk.py", "ext4.py", "fat.py", "layout.py", "mapped.py", "mbr.py")
_OF_RASPIOS = ("ext4.py", "fat.py", "hard_links.py", "mapped.py", "raspios.py")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be built.

    Attributes:
        base: debian or raspios.
        epoch: the card's time, in seconds.
        folder: where the files go.
        base_url: the folder on the web that they will be put into; empty for this machine alone.
        base_image: for raspios, the official image: a path or a URL.
        base_sha256: of that file.
        fresh: whether to take today's packages, not those of the last build.
    """

    base: str
    epoch: int
    folder: Path
    base_url: str = ""
    base_image: str = ""
    base_sha256: str = ""
    fresh: bool = False

    def check(self) -> None:
        """Refuse what contradicts itself, before any work is done.

        Raises:
            ImageError: there is no such base, or it starts from no image; or the address is none.
        """
        if self.base not in BASES:
            raise ImageError(f"BASE={self.base} is unknown", f"choose one of {', '.join(BASES)}")
        if self.base == "debian" and (self.base_image or self.base_sha256):
            raise ImageError(
                "BASE=debian is made of packages, and takes neither BASE_IMAGE nor BASE_SHA256",
                "say BASE=raspios too, or leave them out",
            )
        catalogue.location(self.base_url, self.folder)


@dataclasses.dataclass(frozen=True)
class Built:
    """What came of it.

    Attributes:
        image: the .img.xz.
        files: all that were published, the image among them.
        seconds: by stage, 0 for those that were there already.
    """

    image: Path
    files: tuple[Path, ...]
    seconds: dict[str, float]


def build(wanted: Wanted, stages: Stages) -> Built:
    """Build a card, stage by stage.

    Args:
        wanted: what is to be built.
        stages: the folder in which stages are kept.

    Raises:
        ImageError: it cannot be built; nothing is there under its final name that is not whole.
    """
    made: list[Made] = []

    def provide(stage: Stage, *, again: bool = False) -> Path:
        made.append(stages.provide(stage, again=again))
        return made[-1].file

    layout: Layout | None = None
    tools: Path | None = None
    if wanted.base == "raspios":
        official = raspios.fetch(wanted.base_image, wanted.base_sha256)
        layout = raspios.read_layout(official)
        base = provide(_raspios_stage(official))
    else:
        if are_lent():
            tools = provide(tools_stage(), again=wanted.fresh)
        base = provide(base_stage(tools), again=wanted.fresh)
    # What a card of ours is called is the roles' default.
    models = boot_files.MODELS if layout is None else ()
    variables = {"boot_config_boot_label": layout.boot_label} if layout else {}
    rootfs = provide(
        provisioned_stage(base, wanted.epoch, tools=tools, models=models, variables=variables)
    )
    card = provide(_disk_stage(rootfs, wanted.epoch, layout))
    seconds = {each.stage: each.seconds for each in made}
    files, seconds["publish"] = publish_once(
        wanted, stages, card, rootfs, [each.log for each in made]
    )
    image = next(each for each in files if each.name.endswith(".img.xz"))
    return Built(image, files, seconds)


def _raspios_stage(official: Path) -> Stage:
    return Stage(
        name="raspios",
        suffix=".tar",
        depends_on={
            "image": official.name,
            "code": digest_of([IMAGE / "pvs_image" / each for each in _OF_RASPIOS], IMAGE),
        },
        make=lambda target, _: raspios.read_rootfs(official, target),
    )


def _disk_stage(rootfs: Path, epoch: int, layout: Layout | None) -> Stage:
    def make(target: Path, log: Log) -> None:
        log.step("makes the card's two file systems")
        with scratch(target.parent, log) as workplace:
            make_disk(rootfs, target, source_date_epoch=epoch, layout=layout, workplace=workplace)

    return Stage(
        name="disk",
        suffix=".img",
        depends_on={
            "rootfs": f"{rootfs.name} {rootfs.stat().st_mtime_ns}",
            "epoch": str(epoch),
            "layout": repr(layout),
            "code": digest_of([IMAGE / "pvs_image" / each for each in _OF_DISK], IMAGE),
        },
        make=make,
    )


def publish_once(
    wanted: Wanted, stages: Stages, card: Path, rootfs: Path, logs: list[Path]
) -> tuple[tuple[Path, ...], float]:
    """Publish, unless the files are those of this card already.

    Args:
        wanted: what is built.
        stages: keep the memory of what has been published.
        card: the unpacked image.
        rootfs: the tar that it was made from.
        logs: of the stages, which become the build's log.

    Returns:
        the files, and the seconds that it took.
    """
    edition = Edition(version(), wanted.base, wanted.epoch)
    code = digest_of([IMAGE / "pvs_image", PROJECT / "templates"], PROJECT)
    of = [card.name, card.stat().st_mtime_ns, repr(edition), wanted.base_url, code]
    place = hashlib.sha256(str(wanted.folder.resolve()).encode()).hexdigest()[:16]
    memory = stages.folder / f"published-{wanted.base}-{place}.json"
    known = _read(memory)
    files = tuple(wanted.folder / name for name in known.get("files", {}))
    if known == {"of": of, "files": _stamps(files)} and files:
        stages.report(f"publish: as they are in {wanted.folder}")
        return files, 0.0
    with stages.measured("publish") as measured:
        # Of a build that was killed.
        for left in wanted.folder.glob(".publishing-*"):
            shutil.rmtree(left)
        log = stages.folder / f"{edition.name}.log"
        log.write_text("".join(each.read_text(errors="replace") for each in logs if each.exists()))
        published = publish(card, rootfs, wanted.folder, edition, base_url=wanted.base_url, log=log)
        log.unlink()
    memory.write_text(json.dumps({"of": of, "files": _stamps(published.files)}))
    return published.files, measured.seconds


def _stamps(files: tuple[Path, ...]) -> dict[str, list[int]]:
    """Return what shows that a file has not been touched: by name, its length and time."""
    there = [each for each in files if each.exists()]
    return {each.name: [each.stat().st_size, each.stat().st_mtime_ns] for each in there}


def _read(memory: Path) -> dict[str, dict[str, list[int]]]:
    try:
        known: dict[str, dict[str, list[int]]] = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return known

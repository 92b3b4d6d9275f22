"""BASE=raspios: a stand-in for the official image goes through the whole build.

The stand-in is the stage "base" with the partition ids of Raspberry Pi's images, and without one
package that those lack. No official image is tested, because none can be downloaded here.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pvs_image.block_map import partitions_of
from pvs_image.paths import IMAGE
from pvs_image.raspios import read_layout
from pvs_image.xz import unpack

# Runs in its own mount namespace, with the stages that `make image` has cached.
_STAND_IN = """
import sys, uuid
from pathlib import Path
from pvs_image import rootfs
from pvs_image.debian_base import base_stage
from pvs_image.chroot import prepared_chroot
from pvs_image.disk_image import make_disk
from pvs_image.partition_layout import MIB, Layout
from pvs_image.build_log import Log
from pvs_image.paths import cache_dir
from pvs_image.stages import Stages
from pvs_image.native_tools import are_available, native_tools_stage

folder, epoch = Path(sys.argv[1]), 1763942400
stages, root = Stages(cache_dir()), folder / "root"
tools = stages.provide(native_tools_stage()).file if are_available() else None
with (folder / "log").open("w") as output:
    log = Log("stand-in", output, print)
    rootfs.unpack(stages.provide(base_stage(tools)).file, root, log)
    with prepared_chroot(root, None, log, online=False):
        log.run(["chroot", str(root), "dpkg", "--purge", "haproxy"], hint="see the log")
    named = "PARTUUID=1a2b3c4d-0"
    fstab, arguments = root / "etc/fstab", root / "boot/firmware/cmdline.txt"
    fstab.write_text(
        f"{named}1 /boot/firmware vfat defaults 0 2\\n{named}2 / ext4 defaults,noatime 0 1\\n"
    )
    arguments.write_text(f"console=tty1 root={named}2 rootfstype=ext4 fsck.repair=yes rootwait\\n")
    rootfs.pack(root, folder / "root.tar", epoch, log)
    official = Layout(
        disk_id=0x1A2B3C4D, boot_serial=0x5E6F7A8B,
        root_uuid=uuid.UUID("0aed834e-8c8f-412d-a276-a265dc676112"),
        boot_label="bootfs", root_label="rootfs",
        boot_start_bytes=8 * MIB, boot_bytes=512 * MIB,
    )
    make_disk(folder / "root.tar", folder / "os.img", source_date_epoch=epoch, layout=official)
"""


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "PYTHONPATH": str(IMAGE), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def _read(card: Path, name: str) -> str:
    """Read a file of a card's root file system."""
    _, _, root = partitions_of(card)
    return _run("debugfs", "-R", f"cat {name}", f"{card}?offset={root.start_bytes}")


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for an official image."""
    folder = tmp_path_factory.mktemp("stand-in")
    _run(
        "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
        "--mount-proc", sys.executable, "-c", _STAND_IN, folder,
    )  # fmt: skip
    return folder / "os.img"


def test_raspberry_pi_os_keeps_its_partition_ids_and_becomes_a_bridge(
    stand_in: Path, tmp_path: Path
) -> None:
    with stand_in.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    build = tmp_path / "build"
    _run(
        sys.executable, "-m", "pvs_image", "build", "--base", "raspios", "--base-image", stand_in,
        "--base-sha256", digest, "--folder", build, XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    (packed,) = build.glob("pvs-bridge-*-raspios.img.xz")
    card = tmp_path / "card.img"
    unpack(packed, card)
    assert read_layout(card) == read_layout(stand_in)
    for name in ("/etc/fstab", "/etc/os-release"):
        assert _read(card, name) == _read(stand_in, name)
    # cloud-init looks for Imager's files on the original boot partition.
    assert "fs_label: bootfs\n" in _read(
        card, "/etc/cloud/cloud.cfg.d/90-pvs-bridge-boot-config.cfg"
    )
    # The missing package has been installed and configured.
    installed = (build / f"{packed.name.removesuffix('.img.xz')}.packages.txt").read_text()
    assert "\nhaproxy " in installed.replace("\t", " ")
    assert "frontend" in _read(card, "/etc/haproxy/haproxy.cfg")
    (entry,) = json.loads((build / "os_list.json").read_text())["os_list"]
    assert entry["init_format"] == "cloudinit-rpi"

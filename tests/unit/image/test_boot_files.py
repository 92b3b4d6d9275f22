"""The check of boot files names each missing file and the model that needs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pvs_image.boot_files import MODELS, Model, check
from pvs_image.errors import ImageError

pytestmark = pytest.mark.needs_system

KERNEL, INITRD = "vmlinuz-6.12", "initrd.img-6.12"
BY_NAME = {model.name: model for model in MODELS}


def write_initrd(path: Path, names: list[str], content: bytes = b"driver") -> None:
    folder = path.with_suffix(".content")
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(content)
    done = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"],
        cwd=folder, input="\n".join(names).encode(), capture_output=True, check=True,
    )  # fmt: skip
    path.write_bytes(done.stdout)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with all checked files."""
    root = tmp_path / "root"
    boot = root / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "cmdline.txt").write_text(
        "console=tty0 root=LABEL=RASPIROOT rw net.ifnames=0 rootwait\n"
    )
    (boot / "config.txt").write_text(
        f"# comment\narm_64bit=1\nkernel={KERNEL}\n# more\ninitramfs {INITRD}\n"
        "include usercfg.txt\n"
    )
    firmware = [path for model in MODELS for path in model.firmware]
    for path in firmware:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("firmware")
    for name in ("regulatory.db", "regulatory.db.p7s"):
        # Debian uses two absolute links, which start at the root of the file system.
        (root / "usr/lib/firmware" / f"{name}-debian").write_text("rules")
        (root / "etc/alternatives").mkdir(parents=True, exist_ok=True)
        (root / "etc/alternatives" / name).symlink_to(f"/usr/lib/firmware/{name}-debian")
        (root / "usr/lib/firmware" / name).symlink_to(f"/etc/alternatives/{name}")
    for name in {KERNEL, "usercfg.txt", *(name for model in MODELS for name in model.boot)}:
        (boot / name).write_text("code")
    drivers = sorted({driver for model in MODELS for driver in model.drivers})
    write_initrd(boot / INITRD, [f"{each.replace('-', '_')}.ko.xz" for each in drivers])
    return root


def test_a_complete_root_file_system_is_accepted(root: Path) -> None:
    check(root)


NEEDS = [
    (model.name, path)
    for model in MODELS
    for path in (
        *(f"boot/firmware/{name}" for name in (KERNEL, INITRD, *model.boot)),
        *model.firmware,
        "usr/lib/firmware/regulatory.db-debian",
        "etc/alternatives/regulatory.db.p7s",
    )
]


@pytest.mark.parametrize(("model", "path"), NEEDS)
def test_a_missing_file_is_named_with_the_model_that_needs_it(
    root: Path, model: str, path: str
) -> None:
    (root / path).unlink()
    with pytest.raises(ImageError) as error:
        check(root, (BY_NAME[model],))
    named = Path(path).name.removesuffix("-debian")
    assert error.value.problem.startswith(f"{model} needs /")
    assert named in error.value.problem


def test_an_empty_file_counts_as_missing(root: Path) -> None:
    (root / "boot/firmware/start4.elf").write_text("")
    with pytest.raises(ImageError, match=r"Pi 4B needs /boot/firmware/start4\.elf"):
        check(root)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cmdline.txt", "root=LABEL=RASPIROOT"),
        ("cmdline.txt", "net.ifnames=0"),
        ("config.txt", "arm_64bit=1"),
        ("config.txt", f"kernel={KERNEL}"),
        ("config.txt", f"initramfs {INITRD}"),
        ("config.txt", "include usercfg.txt"),
    ],
)
def test_a_missing_setting_is_named(root: Path, file: str, line: str) -> None:
    path = root / "boot/firmware" / file
    path.write_text(path.read_text().replace(line, ""))
    with pytest.raises(ImageError) as error:
        check(root)
    assert f"/boot/firmware/{file}" in error.value.problem
    assert line.split(" ")[0].split("=")[0] in error.value.problem


def test_a_root_argument_of_the_build_machine_is_refused(root: Path) -> None:
    path = root / "boot/firmware/cmdline.txt"
    path.write_text(path.read_text().replace("LABEL=RASPIROOT", "/dev/vda1"))
    with pytest.raises(ImageError, match="lacks root=LABEL=RASPIROOT"):
        check(root)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_missing_driver_is_named_with_the_model_that_needs_it(root: Path, model: Model) -> None:
    initrd = root / "boot/firmware" / INITRD
    initrd.unlink()
    initrd.with_suffix(".content").rename(root.parent / "content")
    write_initrd(initrd, [f"{each}.ko.xz" for each in model.drivers[1:]])
    with pytest.raises(ImageError, match=f"needs {model.drivers[0]} in /boot/firmware/{INITRD}"):
        check(root, (model,))


def test_a_foreign_program_in_the_initrd_is_refused(root: Path) -> None:
    initrd = root / "boot/firmware" / INITRD
    initrd.with_suffix(".content").rename(root.parent / "content")
    drivers = {driver for model in MODELS for driver in model.drivers}
    head = Path("/bin/true").read_bytes()[:64]
    write_initrd(initrd, [f"{each}.ko.xz" for each in drivers], head)
    with pytest.raises(ImageError, match="is not for arm64"):
        check(root)

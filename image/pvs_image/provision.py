"""The second stage: this project's roles, applied to a root file system that has never booted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pvs_image import boot_files, tree
from pvs_image.chroot import ready
from pvs_image.errors import ImageError
from pvs_image.log import Log
from pvs_image.paths import IMAGE, PROJECT
from pvs_image.scratch import scratch
from pvs_image.stages import Stage, digest_of
from pvs_image.tools import PYTHON, SEARCHED

INVENTORY = IMAGE / "inventory"
PLAYBOOK = PROJECT / "ansible/image.yml"
# Where the card has this project, to apply what its owner writes on it.
ON_CARD = "usr/local/share/pvs-bridge"
# What the card's owner begins with, where every computer shows it.
EXAMPLE = PROJECT / "templates/image/pvs-bridge.yml"
_EXAMPLE_ON_CARD = "boot/firmware/pvs-bridge.example.yml"
_PARTS = ("CHANGELOG.md", "LICENSE", "ansible", "ansible.cfg", "pyproject.toml", "roles")
# What only a controller uses.
_LEFT_OUT = (
    "ansible/bridgectl", "ansible/tooling", "ansible/image.yml",
)  # fmt: skip
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CODE = ("boot_files.py", "chroot.py", "elf.py", "initrd.py", "provision.py", "tree.py")


def provisioned_stage(
    base: Path,
    epoch: int,
    *,
    tools: Path | None,
    models: tuple[boot_files.Model, ...],
    variables: Mapping[str, str],
) -> Stage:
    """Describe the stage; it makes the tar of the card's root file system.

    Args:
        base: the tar of the stage before.
        epoch: the card's time, in seconds.
        tools: those of the builder that are lent, see :mod:`pvs_image.tools`; None for none.
        models: whose files for the boot are looked for; none for a base that is not ours, which
            brings its own and lacks packages of ours.
        variables: of the roles, beside those of the inventory.
    """

    def make(target: Path, log: Log) -> None:
        with scratch(target.parent, log) as folder:
            root = folder / "root"
            log.step("unpacks Debian")
            tree.unpack(base, root, log)
            provision(root, log, tools=tools, online=not models, variables=variables)
            log.step("looks through it")
            tree.tidy(root, epoch)
            tree.refuse_secrets(root)
            if models:
                tree.refuse_foreign_programs(root)
                boot_files.check(root, models)
            log.step("packs it")
            tree.pack(root, target, epoch, log)

    code = [IMAGE / "pvs_image" / each for each in _CODE]
    return Stage(
        name="provisioned",
        suffix=".tar",
        depends_on={
            "base": f"{base.name} {base.stat().st_mtime_ns}",
            "project": digest_of([*project_files(), EXAMPLE, PLAYBOOK, INVENTORY, *code], PROJECT),
            "epoch": str(epoch),
            "variables": repr(variables),
        },
        make=make,
    )


def provision(
    root: Path,
    log: Log,
    *,
    tools: Path | None = None,
    inventory: Path = INVENTORY,
    online: bool = False,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Make a root file system a bridge, by the roles that make one of a Pi.

    Args:
        root: the folder that it is in; mounts are made there, and undone.
        log: of the stage.
        tools: those of the builder that are lent, see :mod:`pvs_image.tools`; None for none.
        inventory: describes the bridge.
        online: whether packages may be installed. A card of Debian's has all of them.
        variables: of the roles, beside those of the inventory.

    Raises:
        ImageError: Ansible failed.
    """
    log.step("brings the project")
    copy_project(root / ON_CARD)
    shutil.copyfile(EXAMPLE, root / _EXAMPLE_ON_CARD)
    with ready(root, tools, log, online=online):
        log.step("applies the roles")
        run_playbook(root, log, tools=tools, inventory=inventory, variables=variables)


def run_playbook(
    root: Path,
    log: Log,
    *,
    tools: Path | None = None,
    inventory: Path = INVENTORY,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run image.yml in a root file system that is ready for it; see :func:`provision`.

    Raises:
        ImageError: Ansible failed.
    """
    beside = Path(sys.executable).with_name("ansible-playbook")
    program = str(beside) if beside.exists() else "ansible-playbook"
    extra = {
        **(variables or {}),
        "ansible_chroot_root": str(root),
        "ansible_chroot_path": f"{SEARCHED}:{_SYSTEM_PATH}" if tools else _SYSTEM_PATH,
        "ansible_python_interpreter": PYTHON if tools else "/usr/bin/python3",
    }
    log.run(
        [
            program,
            "--inventory",
            str(inventory),
            "--extra-vars",
            json.dumps(extra),
            str(PLAYBOOK),
        ],
        hint="see what Ansible says there",
        folder=PROJECT,
        environment={
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )


def copy_project(target: Path) -> None:
    """Copy what the card needs of this project, all of it with the same modes."""
    if target.exists():
        shutil.rmtree(target)
    for file in project_files():
        copy = target / file.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            copy.symlink_to(file.readlink())
            continue
        shutil.copyfile(file, copy)
        copy.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    for folder in (target, *(each for each in target.rglob("*") if each.is_dir())):
        folder.chmod(0o755)


def project_files() -> list[Path]:
    """Return the project's files that go onto the card, as git knows them.

    Raises:
        ImageError: this is no clone of git's.
    """
    asked = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", "--", *_PARTS],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if asked.returncode:
        raise ImageError(
            f"{PROJECT} is no clone of git's, so that it is not known what goes onto the card",
            "clone the project instead of copying it",
        )
    names = sorted(filter(None, asked.stdout.split("\0")))
    wanted = (name for name in names if not name.startswith(_LEFT_OUT))
    return [PROJECT / name for name in wanted if os.path.lexists(PROJECT / name)]

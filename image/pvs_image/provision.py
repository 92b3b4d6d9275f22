"""Stage "provisioned": apply this project's roles to a root file system that has never booted."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pvs_image import boot_files, rootfs
from pvs_image.build_log import Log
from pvs_image.chroot import prepared_chroot
from pvs_image.native_tools import PYTHON, SEARCH_PATH
from pvs_image.paths import IMAGE, PROJECT
from pvs_image.project_copy import copy_project, project_files
from pvs_image.scratch_folder import scratch_folder
from pvs_image.stages import Stage, digest_of

INVENTORY = IMAGE / "inventory"
PLAYBOOK = PROJECT / "ansible/image.yml"
# The card's copy of this project, below the card's root.
PROJECT_ON_CARD = "usr/local/share/pvs-bridge"
# For people, on the partition that every computer can read: by the name on the card.
TEXTS = {
    "pvs-bridge.example.yml": PROJECT / "templates/image/pvs-bridge.yml",
    "README.txt": PROJECT / "templates/image/README.txt",
}
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CODE = (
    "boot_files.py", "chroot.py", "elf.py", "initrd.py", "project_copy.py", "provision.py",
    "rootfs.py",
)  # fmt: skip


def provisioned_stage(
    base: Path,
    epoch: int,
    *,
    tools: Path | None,
    models: tuple[boot_files.Model, ...],
    variables: Mapping[str, str],
) -> Stage:
    """Return the stage that makes the tar of the card's root file system.

    Args:
        base: the tar of the previous stage.
        epoch: the build date, in seconds since 1970.
        tools: the folder of :mod:`pvs_image.native_tools`; None without native tools.
        models: the Pi models whose boot files are checked. Empty for Raspberry Pi OS, which has
            its own boot files and lacks some packages that the roles then install.
        variables: role variables in addition to those of the inventory.
    """

    def make(target: Path, log: Log) -> None:
        with scratch_folder(target.parent, log) as folder:
            root = folder / "root"
            log.step("unpack the base system")
            rootfs.unpack(base, root, log)
            provision(root, log, tools=tools, online=not models, variables=variables)
            log.step("clean up and check the root file system")
            rootfs.tidy(root, epoch)
            rootfs.refuse_secrets(root)
            if models:
                rootfs.refuse_foreign_programs(root)
                boot_files.check(root, models)
            log.step("pack the root file system")
            rootfs.pack(root, target, epoch, log)

    code = [IMAGE / "pvs_image" / name for name in _CODE]
    return Stage(
        name="provisioned",
        suffix=".tar",
        depends_on={
            "base": f"{base.name} {base.stat().st_mtime_ns}",
            "project": digest_of(
                [*project_files(), *TEXTS.values(), PLAYBOOK, INVENTORY, *code], PROJECT
            ),
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
    """Copy the project into a root file system and apply the roles to it.

    Args:
        root: the root file system. Mounts are made in it and removed again.
        log: the log of the stage.
        tools: the folder of :mod:`pvs_image.native_tools`; None without native tools.
        inventory: an Ansible inventory of the bridge.
        online: whether packages may be installed; the base debian already has all of them.
        variables: role variables in addition to those of the inventory.

    Raises:
        ImageError: Ansible failed.
    """
    log.step("copy the project")
    copy_project(root / PROJECT_ON_CARD)
    for name, text in TEXTS.items():
        shutil.copyfile(text, root / boot_files.BOOT / name)
    with prepared_chroot(root, tools, log, online=online):
        log.step("apply the roles")
        run_playbook(root, log, tools=tools, inventory=inventory, variables=variables)


def run_playbook(
    root: Path,
    log: Log,
    *,
    tools: Path | None = None,
    inventory: Path = INVENTORY,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run ansible/image.yml in a prepared chroot; arguments as in :func:`provision`.

    Raises:
        ImageError: Ansible failed.
    """
    in_venv = Path(sys.executable).with_name("ansible-playbook")
    program = str(in_venv) if in_venv.exists() else "ansible-playbook"
    extra = {
        **(variables or {}),
        "ansible_chroot_root": str(root),
        "ansible_chroot_path": f"{SEARCH_PATH}:{_SYSTEM_PATH}" if tools else _SYSTEM_PATH,
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
        hint="see Ansible's message in the log",
        folder=PROJECT,
        environment={
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )

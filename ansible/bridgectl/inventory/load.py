"""What Ansible makes of an inventory: its bridges, their variables, the steps of site.yml."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret, VaultSecretsContext, get_file_vault_secret
from ansible.playbook import Playbook
from ansible.utils.display import Display
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, load_role
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import closest
from bridgectl.inventory.files import is_encrypted
from bridgectl.inventory.short_path import short
from bridgectl.paths import PLAYBOOK, PROJECT
from bridgectl.validate.report import CannotWorkError, Problem

GROUP = "pvs_bridges"
_PREFLIGHT = "pvs_bridge.core.preflight"
# Groups that Ansible makes itself.
_EVERYBODY = ("all", "ungrouped")


class InventoryError(Exception):
    """Ansible cannot read the inventory; says why."""


class _Loader(DataLoader):  # type: ignore[misc] # Ansible carries no types
    """Passes over files that are encrypted as a whole where there is no password.

    Attributes:
        sealed: those files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sealed: set[str] = set()

    def load_from_file(self, file_name: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        path = Path(self.path_dwim(file_name))
        if not self._vault.secrets and path.is_file() and is_encrypted(path):
            self.sealed.add(short(path))
            return {}
        return super().load_from_file(file_name, *args, **options)


@dataclasses.dataclass(frozen=True)
class Inventory:
    """An inventory that Ansible has read.

    Attributes:
        name: as it was named.
        loader: has read it; knows the vault's passwords.
        groups: all of them.
        hosts: all of them.
        all_bridges: the hosts of the group pvs_bridges, by their names.
        bridges: those of them that were asked for.
        specs: what the roles say about their variables.
        tasks: what site.yml does, step by step.
    """

    name: str
    loader: _Loader
    groups: tuple[str, ...]
    hosts: tuple[str, ...]
    all_bridges: tuple[str, ...]
    bridges: tuple[str, ...]
    specs: tuple[RoleSpec, ...]
    tasks: tuple[Any, ...]
    _inventory: Any
    _manager: Any
    _play: Any

    def variables(self, host: str) -> dict[str, Any]:
        """Return what a host's play knows: its variables over those of the roles, as written."""
        found: dict[str, Any] = self._manager.get_vars(
            play=self._play, host=self._inventory.get_host(host)
        )
        found["ansible_check_mode"] = False
        return found

    def own_variables(self, host: str) -> dict[str, Any]:
        """Return what the inventory itself says of any host."""
        found: dict[str, Any] = self._manager.get_vars(
            host=self._inventory.get_host(host), include_hostvars=False
        )
        return found

    def strays(self) -> Iterator[Problem]:
        """Find hosts that are described as bridges, and are none; and bridges without a host."""
        prefixes = tuple(f"{spec.name}_" for spec in self.specs)
        for name in self.hosts:
            if name in self.all_bridges:
                continue
            host = self._inventory.get_host(name)
            groups = [each.name for each in host.get_groups() if each.name not in _EVERYBODY]
            alike = closest(GROUP, groups)
            described = [each for each in host.get_vars() if each.startswith(prefixes)]
            if alike or described or not groups:
                hint = f"call the group {alike} {GROUP}" if alike else f"put it into {GROUP}"
                problem = f"is no host of the group {GROUP}, so nothing is done to it"
                yield Problem("inventory", problem, hint, variable=name, file=self.name)
        if not self.all_bridges:
            yield Problem(
                "inventory",
                f"has no bridge: no host is in the group {GROUP}",
                f"write each below {GROUP}: hosts:, as in inventory/example",
                file=self.name,
            )
            return
        for group in self._inventory.groups[GROUP].get_descendants():
            if not group.get_hosts():
                yield Problem(
                    "inventory",
                    f"is a group of {GROUP} without a host",
                    "give it hosts, correct its name, or remove it",
                    variable=group.name,
                    file=self.name,
                )


def load(inventory: Path, limit: str, passwords: Sequence[Path]) -> Inventory:
    """Have Ansible read an inventory and the project's playbook.

    Args:
        inventory: a file or a folder.
        limit: a pattern of Ansible's for the bridges that are asked for; empty for all.
        passwords: files with a vault's password each.

    Raises:
        InventoryError: Ansible cannot read it.
        CannotWorkError: a password or the limit does not lead anywhere.
    """
    loader = _Loader()
    loader.set_basedir(str(PROJECT / "ansible"))
    secrets = [("default", _password(file, loader)) for file in passwords]
    loader.set_vault_secrets(secrets)
    # Single values are opened by another way than files are.
    context = VaultSecretsContext.current(optional=True)
    if context is None:
        VaultSecretsContext.initialize(VaultSecretsContext(secrets))
    else:
        context.secrets = secrets
    said: list[str] = []
    # What Ansible tells a person while it works comes back as a finding, or not at all.
    Display().display = lambda message, *_, **__: said.append(str(message))
    try:
        found = InventoryManager(loader=loader, sources=[str(inventory.absolute())])
        manager = VariableManager(loader=loader, inventory=found)
        # Announces itself to the manager: a description may look at that of another host.
        HostVars(found, manager, loader)
        (play,) = Playbook.load(str(PLAYBOOK), variable_manager=manager, loader=loader).get_plays()
        tasks = tuple(task for block in play.compile() for task in _flat(block))
        every = _bridges(found)
        chosen = every
        if limit:
            found.subset(limit)
            chosen = _bridges(found)
            found.subset(None)
    except AnsibleError as error:
        raise InventoryError(" ".join([*said, str(error)])) from error
    if limit and every and not chosen:
        raise CannotWorkError(
            f"LIMIT={limit} fits none of the bridges of {inventory}",
            f"choose of {', '.join(every[:10])}",
        )
    return Inventory(
        str(inventory),
        loader,
        tuple(found.groups),
        tuple(found.hosts),
        every,
        chosen,
        _specs(tasks, loader),
        tasks,
        found,
        manager,
        play,
    )


def _bridges(inventory: Any) -> tuple[str, ...]:  # noqa: ANN401 - an InventoryManager
    if GROUP not in inventory.groups:
        return ()
    return tuple(str(host.name) for host in inventory.get_hosts(GROUP))


def _password(file: Path, loader: _Loader) -> VaultSecret:
    if not file.is_file():
        raise CannotWorkError(
            f"the vault's password file {file} does not exist",
            "correct --vault-password-file, or ANSIBLE_VAULT_PASSWORD_FILE",
        )
    secret = get_file_vault_secret(filename=str(file), loader=loader)
    try:
        secret.load()
    except AnsibleError as error:
        raise CannotWorkError(
            f"the vault's password file {file} cannot be read",
            "write the password into its first line, or make it a program that prints it",
        ) from error
    return secret


def _flat(block: Any) -> Iterator[Any]:  # noqa: ANN401 - a Block of Ansible's
    """Name the tasks of a run in which nothing fails."""
    for each in (*block.block, *block.always):
        if hasattr(each, "block"):
            yield from _flat(each)
        else:
            yield each


def _specs(tasks: Sequence[Any], loader: _Loader) -> tuple[RoleSpec, ...]:
    """Load what the play's own preflight looks at."""

    def read(file: Path) -> Any:  # noqa: ANN401 - YAML holds anything
        return loader.load_from_file(str(file), trusted_as_template=True)

    names = [name for task in tasks if task.action == _PREFLIGHT for name in task.args["roles"]]
    return tuple(load_role(PROJECT / "roles" / name, read) for name in names)


def refused(inventory: Path, error: InventoryError) -> Problem:
    """Say that Ansible refuses an inventory in which nothing else was found."""
    said = " ".join(str(error).split())
    return Problem(
        "inventory",
        f"is no inventory to Ansible: {said[:400]}",
        f"compare it with inventory/example; `ansible-inventory -i {short(inventory)} --list` "
        "says more",
        file=short(inventory),
    )

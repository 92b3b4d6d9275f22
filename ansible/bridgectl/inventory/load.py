"""Read an inventory as Ansible does: its bridges, their variables, the tasks of site.yml."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible import context  # type: ignore[attr-defined] # Ansible has no types
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret, VaultSecretsContext, get_file_vault_secret
from ansible.playbook import Playbook
from ansible.plugins.loader import inventory_loader
from ansible.template import trust_as_template
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, load_role
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import closest
from bridgectl.errors import CannotWorkError, InventoryError, Issue, Location
from bridgectl.inventory.files import is_encrypted
from bridgectl.inventory.passwords import Password
from bridgectl.inventory.shapes import is_name
from bridgectl.inventory.short_path import short
from bridgectl.paths import PLAYBOOK, PROJECT

GROUP = "pvs_bridges"
_PREFLIGHT = "pvs_bridge.core.preflight"
# Groups that Ansible creates itself.
_BUILTIN_GROUPS = ("all", "ungrouped")
_MOST_CHARACTERS = 400


class _Loader(DataLoader):  # type: ignore[misc] # Ansible has no types
    """Skips files that are encrypted as a whole if there is no password.

    Attributes:
        skipped: those files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: set[str] = set()

    def load_from_file(self, file_name: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        path = Path(self.path_dwim(file_name))
        if not self._vault.secrets and path.is_file() and is_encrypted(path):
            self.skipped.add(short(path))
            return {}
        return super().load_from_file(file_name, *args, **options)


class _DataManager(InventoryManager):  # type: ignore[misc] # Ansible has no types
    """Reads YAML and INI, and runs neither programs nor other plugins."""

    def _fetch_inventory_plugins(self) -> list[Any]:
        return [inventory_loader.get(f"ansible.builtin.{name}") for name in ("yaml", "ini")]

    def parse_source(self, source: str, cache: bool = False) -> bool:
        parsed: bool = super().parse_source(source, cache)
        # Afterwards, Ansible reads the files of variables with these names.
        for name in (*self.groups, *self.hosts):
            if not is_name(name):
                raise AnsibleError(f"{name!r} must be a name of letters, digits, and _ . : @ -")
        return parsed


@dataclasses.dataclass(frozen=True)
class Inventory:
    """An inventory that Ansible has read.

    Attributes:
        name: its path, as given by the user.
        loader: the loader that has read it; has the vault passwords.
        groups: all groups.
        hosts: all hosts.
        all_bridges: the hosts of the group pvs_bridges, by name.
        bridges: those of them that LIMIT selects.
        specs: the roles' variables.
        tasks: the tasks of site.yml.
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
        """Return a host's variables in the play, over the roles' defaults, as written."""
        found: dict[str, Any] = self._manager.get_vars(
            play=self._play, host=self._inventory.get_host(host)
        )
        found["ansible_check_mode"] = False
        return found

    def own_variables(self, host: str) -> dict[str, Any]:
        """Return the variables that the inventory sets for a host."""
        found: dict[str, Any] = self._manager.get_vars(
            host=self._inventory.get_host(host), include_hostvars=False
        )
        return found

    def group_issues(self) -> Iterator[Issue]:
        """Find hosts that look like bridges but are not in the group, and groups without hosts."""
        prefixes = tuple(prefix for spec in self.specs for prefix in spec.prefixes)
        for name in self.hosts:
            if name in self.all_bridges:
                continue
            host = self._inventory.get_host(name)
            groups = [each.name for each in host.get_groups() if each.name not in _BUILTIN_GROUPS]
            alike = closest(GROUP, groups)
            configured = [each for each in host.get_vars() if each.startswith(prefixes)]
            if alike or configured or not groups:
                hint = f"rename the group {alike} to {GROUP}" if alike else f"add it to {GROUP}"
                problem = f"must be in the group {GROUP}; other hosts are ignored"
                yield Issue(problem, hint, Location((name,), self.name))
        if not self.all_bridges:
            yield no_bridges(self.name)
            return
        for group in self._inventory.groups[GROUP].get_descendants():
            if not group.get_hosts():
                yield Issue(
                    f"must have hosts, because it is a group of {GROUP}",
                    "add hosts, correct its name, or remove it",
                    Location((group.name,), self.name),
                )


def no_bridges(inventory: str) -> Issue:
    """Return the issue of an inventory without a bridge."""
    return Issue(
        f"has no bridges, because no host is in the group {GROUP}",
        "create a configuration with make init NAME=garage, or see inventory/example",
        Location(file=inventory),
    )


def load(
    inventory: Path,
    limit: str,
    passwords: Sequence[Password],
    extra_variables: Sequence[str] = (),
    data_only: bool = False,
) -> Inventory:
    """Have Ansible read an inventory and the project's playbook.

    Args:
        inventory: a file or a folder.
        limit: an Ansible pattern that selects bridges; empty for all.
        passwords: vault passwords.
        extra_variables: the values of the option -e of ansible-playbook.
        data_only: whether only its YAML files are read. Otherwise it may have programs and plugins.

    Raises:
        InventoryError: Ansible cannot read it.
        CannotWorkError: a password file cannot be read, or the limit selects no bridge.
    """
    loader = _Loader()
    loader.set_basedir(str(PROJECT / "ansible"))
    if data_only:
        _refuse_programs(passwords, inventory)
    secrets = [("default", _password(each, loader)) for each in passwords]
    loader.set_vault_secrets(secrets)
    # Ansible decrypts single values through this context, not through the loader.
    vault = VaultSecretsContext.current(optional=True)
    if vault is None:
        VaultSecretsContext.initialize(VaultSecretsContext(secrets))
    else:
        vault.secrets = secrets
    messages: list[str] = []
    # Ansible's messages become part of an error instead of being printed.
    Display().display = lambda message, *_, **__: messages.append(str(message))
    try:
        manager_class = _DataManager if data_only else InventoryManager
        found = manager_class(loader=loader, sources=[str(inventory.absolute())])
        _set_extra_variables(extra_variables)
        manager = VariableManager(loader=loader, inventory=found)
        # Registers itself in the manager, so that a configuration can refer to another host.
        HostVars(found, manager, loader)
        (play,) = Playbook.load(str(PLAYBOOK), variable_manager=manager, loader=loader).get_plays()
        tasks = tuple(task for block in play.compile() for task in _flat(block))
        every = _bridges(found)
        # Reads the files of variables, so that their errors occur here.
        for host in every:
            manager.get_vars(play=play, host=found.get_host(host))
        selected = every
        if limit:
            found.subset(limit)
            selected = _bridges(found)
            found.subset(None)
    except AnsibleError as error:
        said = " ".join(" ".join([*messages, str(error)]).split())
        raise InventoryError(
            f"cannot be read by Ansible: {said[:_MOST_CHARACTERS]}",
            "compare it with inventory/example, or run "
            f"`ansible-inventory -i {short(inventory)} --list` to see the full error",
            Location(file=short(inventory)),
        ) from error
    if limit and every and not selected:
        raise CannotWorkError(
            f"LIMIT={limit} selects no bridge of {inventory}",
            f"use one of: {', '.join(every[:10])}",
        )
    return Inventory(
        str(inventory),
        loader,
        tuple(found.groups),
        tuple(found.hosts),
        every,
        selected,
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


def _refuse_programs(passwords: Sequence[Password], inventory: Path) -> None:
    """Refuse to run programs that may come with the inventory.

    Raises:
        CannotWorkError: a password file is a program in the folder of the inventory, or in the
            current one.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    homes = [folder.resolve(), Path.cwd().resolve()]
    for file in passwords:
        if isinstance(file, VaultSecret):
            continue
        paths = (file.absolute(), file.resolve())
        inside = any(path.is_relative_to(home) for path in paths for home in homes)
        if inside and file.is_file() and os.access(file, os.X_OK):
            raise CannotWorkError(
                f"the vault password file {file} is a program beside the inventory, and is not run",
                "move it to another folder, or write the password into a file",
            )


def _set_extra_variables(values: Sequence[str]) -> None:
    """Have Ansible read the values of -e, as if they were its own."""
    trusted = tuple(trust_as_template(each) for each in values)
    context.CLIARGS = ImmutableDict({**context.CLIARGS, "extra_vars": trusted})
    load_extra_vars.extra_vars = None  # Ansible keeps those of the first inventory


def _password(file: Password, loader: _Loader) -> VaultSecret:
    if isinstance(file, VaultSecret):
        return file
    if not file.is_file():
        raise CannotWorkError(
            f"the vault password file {file} does not exist",
            "correct --vault-password-file, or ANSIBLE_VAULT_PASSWORD_FILE",
        )
    secret = get_file_vault_secret(filename=str(file), loader=loader)
    try:
        secret.load()
    except AnsibleError as error:
        raise CannotWorkError(
            f"the vault password file {file} cannot be read",
            "write the password into its first line, or make it a program that prints it",
        ) from error
    return secret


def _flat(block: Any) -> Iterator[Any]:  # noqa: ANN401 - a Block of Ansible's
    """Return the tasks of a run without failures."""
    for each in (*block.block, *block.always):
        if hasattr(each, "block"):
            yield from _flat(each)
        else:
            yield each


def _specs(tasks: Sequence[Any], loader: _Loader) -> tuple[RoleSpec, ...]:
    """Load the specs of the roles that the play's preflight checks."""

    def read(file: Path) -> Any:  # noqa: ANN401 - any YAML
        return loader.load_from_file(str(file), trusted_as_template=True)

    names = [name for task in tasks if task.action == _PREFLIGHT for name in task.args["roles"]]
    return tuple(load_role(PROJECT / "roles" / name, read) for name in names)

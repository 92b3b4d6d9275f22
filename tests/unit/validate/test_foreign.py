"""An inventory of a stranger: none of it is run, and nothing outside of it is read or written.

Each attack leaves the file ``ran`` if a program ran, or prints ``canary`` if it read what it must
not. The command runs as the GitHub Action and the hook start it: in the stranger's folder.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible.plugins.filter import core as core_filters
from ansible.plugins.test import files as file_tests
from unit.validate.conftest import COMMAND_ENVIRONMENT, GOOD, PROJECT, Done, Validator, write

from bridgectl.validate.confinement import REFUSED

CANARY = "canary"
_BRIDGE = GOOD.rstrip("\n")


@dataclasses.dataclass(frozen=True)
class Attack:
    """What a stranger puts into an inventory.

    Attributes:
        files: of the inventory, by path.
        said: part of the report or of the error.
        links: symbolic links, with their targets relative to the folder of the inventory.
        programs: those of the files that are executable.
    """

    files: Mapping[str, str]
    said: str
    links: Mapping[str, str] = dataclasses.field(default_factory=dict)
    programs: tuple[str, ...] = ()


def hostname(template: str, said: str) -> Attack:
    """Put a template into a variable whose value messages show."""
    text = template.replace("'", "''")
    return Attack({"bridges.yml": f"{_BRIDGE}\n      uplink_hostname: '{text}'\n"}, said)


def named(hosts: str, said: str) -> Attack:
    """Give the hosts of the group other names."""
    return Attack({"bridges.yml": f"---\npvs_bridges:\n  hosts:\n{hosts}"}, said)


_SCRIPT = "#!/bin/sh\ntouch ran\necho '{}'\n"
_REFUSED = "inventory/bridges.yml:7: uplink_hostname: uses the "
ATTACKS = {
    "pipe": hostname("{{ lookup('pipe', 'touch ran; echo canary') }}", _REFUSED + "lookup pipe"),
    "query": hostname("{{ q('ansible.builtin.pipe', 'touch ran') | first }}", _REFUSED),
    "embedded": hostname(
        "{{ lookup('ansible.builtin.vars', '{{ lookup(\"pipe\", \"touch ran\") }}') }}", _REFUSED
    ),
    "ignored": hostname(
        "{{ lookup('lines', 'touch ran; echo canary', errors='ignore') }}", _REFUSED
    ),
    "file": hostname("{{ lookup('file', '@outside@/secret') }}", _REFUSED + "lookup file"),
    "unvault": hostname("{{ lookup('unvault', '@outside@/secret') }}", _REFUSED),
    "own_template": hostname(
        "{{ lookup('pvs_bridge.core.template', '@outside@/secret') }}", _REFUSED
    ),
    "template": hostname("{{ lookup('template', '@outside@/secret') }}", _REFUSED),
    "url": hostname("{{ lookup('url', 'file://@outside@/secret') }}", _REFUSED + "lookup url"),
    "first_found": hostname("{{ lookup('first_found', ['@outside@/secret']) }}", _REFUSED),
    "config": hostname("{{ lookup('config', 'DEFAULT_LOCAL_TMP') }}", _REFUSED),
    "include": hostname("{% include '@outside@/secret' %}", "uplink_hostname: cannot be rendered"),
    "include_up": hostname("{% include '../../secret' %}", "uplink_hostname: cannot be rendered"),
    "glob": hostname("{{ '@outside@/can*' | fileglob | first }}", _REFUSED + "filter fileglob"),
    "glob_by_map": hostname(
        "{{ ['@outside@/can*'] | map('ansible.builtin.fileglob') | first | first }}", _REFUSED
    ),
    "expandvars": hostname("{{ '$PVS_BRIDGE_CANARY' | expandvars }}", _REFUSED),
    "exists": hostname(
        "{{ 'canary' if '@outside@/secret' is exists else 'x' }}", _REFUSED + "test exists"
    ),
    "environment": hostname(
        "{{ lookup('env', 'PVS_BRIDGE_CANARY') }}", "the environment variable PVS_BRIDGE_CANARY"
    ),
    "attribute": hostname(
        "{{ lookup.__globals__.__builtins__.open('ran', 'w') }}", "uplink_hostname: "
    ),
    "connection": Attack(
        {"bridges.yml": f"{_BRIDGE}\n      ansible_host: '{{{{ q(\"pipe\", \"touch ran\") }}}}'\n"},
        "inventory/bridges.yml:7: ansible_host: uses the lookup pipe",
    ),
    "program": Attack(
        {"bridges.yml": GOOD, "hosts": _SCRIPT}, "inventory/hosts: is neither YAML nor INI", {},
        ("hosts",),
    ),
    "program_in_yaml": Attack(
        {"bridges.yml": _SCRIPT}, "inventory/bridges.yml", {}, ("bridges.yml",)
    ),
    "program_in_variables": Attack(
        {"bridges.yml": GOOD, "group_vars/all/x.sh": _SCRIPT}, "no findings", {},
        ("group_vars/all/x.sh",),
    ),
    "path_in_ini": Attack(
        {"bridges.yml": GOOD, "more.ini": "[a]\n../../outside/secret\n"},
        "'../../outside/secret' must be a name of letters",
    ),
    "program_in_ini": Attack(
        {"bridges.yml": GOOD, "more.ini": _SCRIPT}, "inventory: cannot be read", {}, ("more.ini",)
    ),
    "plugin": Attack(
        {"bridges.yml": GOOD, "nmap.yml": "---\nplugin: ansible.builtin.generator\n"},
        "inventory/nmap.yml:2: plugin: configures an inventory plugin",
    ),
    "settings": Attack(
        {
            "bridges.yml": GOOD,
            "ansible.cfg": "[defaults]\nvars_plugins = vars_plugins\nvars_plugins_enabled = x\n",
            "../ansible.cfg": "[defaults]\nvars_plugins = inventory/vars_plugins\n",
            **{
                f"{kind}_plugins/x.py": "open('ran', 'w')\n"
                for kind in ("vars", "filter", "lookup", "inventory", "../vars", "../filter")
            },
        },
        "inventory/filter_plugins/x.py: is neither YAML nor INI",
    ),
    "modules": Attack(
        {
            "bridges.yml": GOOD,
            **{
                f"../{name}.py": "open('ran', 'w')\n"
                for name in ("bridgectl", "yaml", "jinja2", "ansible", "venv", "sitecustomize")
            },
        },
        "no findings",
    ),
    "link": Attack(
        {"bridges.yml": GOOD}, "inventory/more.yml: is a symbolic link out of the inventory",
        {"more.yml": "../outside/secret.yml"},
    ),
    "linked_variables": Attack(
        {"bridges.yml": GOOD}, "group_vars: is a symbolic link to a folder",
        {"group_vars": "../outside"},
    ),
    "linked_loop": Attack(
        {"bridges.yml": GOOD}, "inventory/loop: is a symbolic link to a folder", {"loop": "."}
    ),
    "path_as_host": named(
        "    ../../outside/secret: {uplink_type: ethernet, uplink_interface: eth1}\n",
        "must be a name of letters, digits",
    ),
    "path_as_group": Attack(
        {"bridges.yml": GOOD + "  children: {../../outside/secret: {hosts: {garage: }}}\n"},
        "must be a name of letters, digits",
    ),
    "path_by_merge": named(
        "    <<: {../../outside/x: {}}\n    garage: {}\n", "must be a name of letters, digits"
    ),
    "many_hosts": named("    'a[0:99999999]': {}\n", "must not stand for more than"),
    "repository": Attack(
        {
            "bridges.yml": f"{_BRIDGE}\n      health_password: sunflower\n",
            "HEAD": "ref: refs/heads/x\n",
            "config": "[core]\n\tbare = false\n\tworktree = .\n"
            "\tfsmonitor = touch ran; false\n\trepositoryformatversion = 0\n",
            "objects/x": "",
            "refs/x": "",
        },
        "inventory/HEAD: is neither YAML nor INI",
    ),
}  # fmt: skip


def validate(folder: Path, *arguments: str) -> Done:
    """Run the command as hook and Action do."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bridgectl", "validate", "--inventory", "inventory",
         *arguments],
        cwd=folder, env={**COMMAND_ENVIRONMENT, "PVS_BRIDGE_CANARY": CANARY},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def place(folder: Path, attack: Attack) -> None:
    """Write an attack, and what it is after."""
    outside = folder / "outside"
    outside.mkdir()
    (outside / "secret").write_text("uplink_hostname: canary!\n")
    (outside / "secret.yml").write_text("---\nuplink_hostname: canary!\n")
    (outside / "canary").write_text(CANARY)
    files = {name: text.replace("@outside@", str(outside)) for name, text in attack.files.items()}
    write(folder, files)
    for name in attack.programs:
        (folder / "inventory" / name).chmod(0o755)
    for name, target in attack.links.items():
        (folder / "inventory" / name).symlink_to(target)


def everything(folder: Path) -> dict[Path, str]:
    """Read all files, but those that the validation is to write."""
    own = folder / "output"
    files = (path for path in folder.rglob("*") if path.is_file() and own not in path.parents)
    return {path: path.read_text() for path in files if not path.is_symlink()}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_it_is_run_or_reads_what_is_outside(
    validator: Validator, tmp_path: Path, name: str
) -> None:
    attack = ATTACKS[name]
    place(tmp_path, attack)
    before = everything(tmp_path)
    # What the folder does to Python shows only in a process that starts there.
    starts = validate if name in ("environment", "modules") else validator
    done = starts(tmp_path, "--output", "output")
    said = done.output + done.errors
    assert everything(tmp_path) == before
    # Ansible's own working directory can be the project.
    assert not any((PROJECT / folder / "ran").exists() for folder in (".", "ansible"))
    assert attack.said in said
    is_good = attack.said == "no findings" or name == "environment"
    assert done.status == (0 if is_good else 1), said
    assert "Traceback" not in said
    rendered = [path.read_text() for path in (tmp_path / "output").rglob("*") if path.is_file()]
    assert not any(CANARY in text for text in (said, *rendered))


_WIFI = """\
---
pvs_bridges:
  hosts:
    garage:
      uplink_country: US
      wifi_key: "{{ lookup('env', 'PVS_BRIDGE_CANARY') }}"
      uplink_networks:
        - ssid: home
"""


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ lookup('env', 'PVS_BRIDGE_CANARY') }}", "must have 8 to 63 bytes in UTF-8, got 6"),
        ("{{ wifi_key }}", "must have 8 to 63 bytes in UTF-8, got 6"),
        # Right or wrong would tell one letter after the other.
        ("{{ 'x' * (3 if wifi_key[0] == 'c' else 9) }}", "Not checked (1 value)"),
        ("{{ wifi_key ~ 'x' }}", "must have 8 to 63 bytes in UTF-8, got 1"),
    ],
)
def test_only_a_whole_secret_is_read_from_the_environment(
    tmp_path: Path, template: str, said: str
) -> None:
    line = f'          passphrase: "{template}"\n'
    done = validate(write(tmp_path, {"bridges.yml": _WIFI + line}))
    assert said in done.output, done
    assert CANARY not in done.output + done.errors


@pytest.mark.parametrize("where", ["inventory/group_vars/password.sh", "password.sh"])
def test_a_password_program_beside_the_inventory_is_not_run(
    validator: Validator, tmp_path: Path, where: str
) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    program = tmp_path / where
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\ntouch ran\necho x\n")
    program.chmod(0o755)
    done = validator(tmp_path, "--vault-password-file", where)
    assert done.status == 2
    assert f"the vault password file {where} is a program beside the inventory" in done.errors
    assert not list(tmp_path.rglob("ran"))


def test_a_password_program_elsewhere_is_run(validator: Validator, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    write(folder, {"bridges.yml": GOOD})
    program = tmp_path / "password.sh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho x\n")
    program.chmod(0o755)
    assert validator(folder, "--vault-password-file", str(program)).status == 0
    assert (tmp_path / "ran").exists()


def test_git_runs_no_program_of_the_repository(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": f"{_BRIDGE}\n      ansible_become_password: sunflower\n"})
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", "touch ran; false"], check=True)
    subprocess.run([*git, "ls-files", "--others"], check=True, capture_output=True)
    ran = tmp_path / "ran"
    assert ran.exists(), "git has such programs"
    ran.unlink()
    (finding,) = validator.json(tmp_path).findings
    assert finding["by"] == "secrets"
    assert not ran.exists()


def test_all_filters_and_tests_that_read_files_are_refused() -> None:
    """A newer ansible-core may have more of them."""
    reads = {os.path.expanduser, os.path.expandvars, os.path.realpath}
    filters = {
        name
        for name, function in core_filters.FilterModule().filters().items()
        if {function, *getattr(function, "args", ())} & reads or "glob" in name
    }
    assert filters == REFUSED["filter"]
    tests = set(file_tests.TestModule().tests()) - {"abs", "is_abs"}
    assert tests | {"vaulted_file"} == REFUSED["test"]

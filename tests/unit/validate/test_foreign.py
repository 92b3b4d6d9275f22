"""An inventory of a stranger: none of it is run, and nothing outside of it is read or written.

Each attack leaves the file ``ran`` if a program ran, or prints ``canary`` if it read what it must
not. The command runs as the GitHub Action and the hook start it: in the stranger's folder.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from unit.validate.conftest import COMMAND_ENVIRONMENT, GOOD, Done, Validator, write

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
        {"bridges.yml": GOOD, "hosts": _SCRIPT}, "inventory/hosts: is not YAML", {}, ("hosts",)
    ),
    "program_in_yaml": Attack(
        {"bridges.yml": _SCRIPT}, "inventory/bridges.yml", {}, ("bridges.yml",)
    ),
    "program_in_variables": Attack(
        {"bridges.yml": GOOD, "group_vars/all/x.sh": _SCRIPT}, "no findings", {},
        ("group_vars/all/x.sh",),
    ),
    "ini": Attack({"bridges.yml": GOOD, "more.ini": "[a]\nb\n"}, "inventory/more.ini: is not YAML"),
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
        "inventory/filter_plugins/x.py: is not YAML",
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
        "inventory/HEAD: is not YAML",
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
    assert attack.said in said
    is_good = attack.said == "no findings" or name == "environment"
    assert done.status == (0 if is_good else 1), said
    assert "Traceback" not in said
    rendered = [path.read_text() for path in (tmp_path / "output").rglob("*") if path.is_file()]
    assert not any(CANARY in text for text in (said, *rendered))

"""Run the project's own site.yml on the Pi itself, before its services start."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pvs_bridge.errors import Issue, Location

PROJECT = Path("/usr/local/share/pvs-bridge")
HOST = "pvs-bridge"
"""The Pi's name if none is configured."""

# Longer than the slowest Pi needs for all roles.
_TIMEOUT_SECONDS = 1200
_FAILED = re.compile(r"FAILED! => (?={)")
_HOSTNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<title>.*)\] \*+$", re.MULTILINE)

# With an empty /run, without the sockets of systemd and D-Bus, the roles act as in an image build:
# they write files; they do not start services, query the system or wait for a confirmation.
_AS_IMAGE = ("unshare", "--mount", "--propagation=private", "sh", "-c",
             'mount -t tmpfs -o mode=0755 tmpfs /run && exec "$@"', "sh")  # fmt: skip
# ansible-playbook without garbage collection, which would repeatedly traverse everything that
# Ansible has loaded; a run allocates too little to need it.
_PLAYBOOK = ("python3", "-I", "-c",
             "import gc; gc.disable(); from ansible.cli.playbook import main; main()")  # fmt: skip
_ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_OFFLINE": "1",
    # In the empty /run, to avoid writes to the card.
    "ANSIBLE_HOME": "/run/ansible",
    "ANSIBLE_LOCAL_TEMP": "/run/ansible/tmp",
    "ANSIBLE_REMOTE_TMP": "/run/ansible/tmp",
    "ANSIBLE_NOCOLOR": "1",
    # Without it, Ansible loads and tries each other inventory plugin first.
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    # One line per result, for failure() to parse.
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_CALLBACK_FORMAT_PRETTY": "0",
}


class _Literal(str):
    """A text that Ansible must not evaluate as a template."""


class _Dumper(yaml.SafeDumper):
    """Writes an inventory."""


_Dumper.add_representer(
    _Literal, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        done: Whether it succeeded.
        issues: What the preflight check rejected; the location names the variable only.
        failure: The failed task and its message, if the preflight check did not end the run.
    """

    done: bool
    issues: Sequence[Issue] = field(default_factory=tuple)
    failure: str = ""


def inventory(variables: Mapping[str, Any]) -> str:
    """Write an inventory with this Pi only, under its own hostname.

    A later run over SSH uses the same name by default, and then changes nothing.
    """
    hostname = str(variables.get("uplink_hostname", ""))
    name = hostname if _HOSTNAME.fullmatch(hostname) else HOST
    host = {
        "ansible_connection": "pvs_bridge.core.forked",
        "ansible_become": False,
        "ansible_python_interpreter": "/usr/bin/python3",
        **{name: _literal(value) for name, value in variables.items()},
    }
    return yaml.dump(
        {"pvs_bridges": {"hosts": {name: host}}},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
    )


def run(inventory_file: Path, tags: Iterable[str], project: Path = PROJECT) -> Outcome:
    """Run site.yml, and copy its output to the journal.

    Args:
        inventory_file: The result of :func:`inventory`.
        tags: The roles to run; empty for all.
        project: The folder that has ``ansible`` and ``roles``.
    """
    wanted = ",".join(sorted(tags))
    command = [
        *_PLAYBOOK, f"--inventory={inventory_file}",
        *([f"--tags={wanted}"] if wanted else []), "ansible/site.yml",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            [*_AS_IMAGE, *command],
            cwd=project,
            env={**_ENVIRONMENT, "ANSIBLE_CONFIG": str(project / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, failure=f"the set-up took longer than {_TIMEOUT_SECONDS} s")
    print(done.stdout, flush=True)
    # The files must be on the card before the run is recorded as done.
    os.sync()
    return Outcome(True) if done.returncode == 0 else failure(done.stdout)


def failure(printed: str) -> Outcome:
    """Parse the output of a failed ansible-playbook."""
    failed = _FAILED.search(printed)
    if failed is None:
        return Outcome(False, failure=" ".join(printed.split())[-500:])
    result, _ = json.JSONDecoder().raw_decode(printed, failed.end())
    issues = [
        Issue(str(each["problem"]), str(each["hint"]), Location(variable=str(each["variable"])))
        for each in result.get("issues", [])
    ]
    titles = [match["title"] for match in _TASK.finditer(printed, 0, failed.start())]
    message = " ".join(str(result.get("msg", "")).split())
    return Outcome(False, issues, f"{titles[-1] if titles else 'site.yml'}: {message}")


def _literal(value: Any) -> Any:  # noqa: ANN401 - any value
    """Protect a value that a user has typed from being evaluated as a template."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    if isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#")):
        return _Literal(value)
    return value

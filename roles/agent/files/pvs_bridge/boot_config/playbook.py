"""The project's own site.yml, run by the Pi on itself while nothing of it is running yet."""

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

PROJECT = Path("/usr/local/share/pvs-bridge")
HOST = "pvs-bridge"
"""The Pi's name where none is given."""

# Longer than the slowest Pi takes for all roles.
_TIMEOUT_SECONDS = 1200
_FAILED = re.compile(r"FAILED! => (?={)")
_HOSTNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<title>.*)\] \*+$", re.MULTILINE)

# An empty /run has neither systemd nor D-Bus: to the roles this is an image that is being built,
# so that they write files and start, ask and confirm nothing.
_AS_IMAGE = ("unshare", "--mount", "--propagation=private", "sh", "-c",
             'mount -t tmpfs -o mode=0755 tmpfs /run && exec "$@"', "sh")  # fmt: skip
# ansible-playbook without Python's search for garbage, which would go through all that Ansible has
# read again and again: a run ends before it has made much.
_PLAYBOOK = ("python3", "-I", "-c",
             "import gc; gc.disable(); from ansible.cli.playbook import main; main()")  # fmt: skip
_ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_OFFLINE": "1",
    # In the empty /run, so that the card is not written to for nothing.
    "ANSIBLE_HOME": "/run/ansible",
    "ANSIBLE_LOCAL_TEMP": "/run/ansible/tmp",
    "ANSIBLE_REMOTE_TMP": "/run/ansible/tmp",
    "ANSIBLE_NOCOLOR": "1",
    # The one kind that is read here; each other one is looked up and asked first.
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    # One line a result, to be read by this program.
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_CALLBACK_FORMAT_PRETTY": "0",
}


class _Literal(str):
    """A text that Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    """Writes an inventory."""


_Dumper.add_representer(
    _Literal, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


@dataclass(frozen=True)
class Finding:
    """What the project's preflight says is wrong.

    Attributes:
        variable: as one writes it, such as ``uplink_networks[0].passphrase``.
        problem: what is wrong with it.
        hint: what to do about it.
    """

    variable: str
    problem: str
    hint: str

    def __str__(self) -> str:
        """All on one line, without the place."""
        return f"{self.variable}: {self.problem}. Hint: {self.hint}"


@dataclass(frozen=True)
class Outcome:
    """How a run has ended.

    Attributes:
        done: whether all of it is done.
        findings: what is wrong with the description, where that has ended it.
        failure: the task that has failed and what it said, where another thing has.
    """

    done: bool
    findings: Sequence[Finding] = field(default_factory=tuple)
    failure: str = ""


def inventory(variables: Mapping[str, Any]) -> str:
    """Write the inventory of a Pi that knows itself alone, by its own name.

    Whoever provisions it later calls it that as a rule, and then nothing differs.
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
    """Run site.yml; what it prints goes to the journal too.

    Args:
        inventory_file: of :func:`inventory`.
        tags: the roles to run; all of them where there is none.
        project: the folder that has ``ansible`` and ``roles``.
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
    # What the roles have written is on the card before anybody is told that it is.
    os.sync()
    return Outcome(True) if done.returncode == 0 else failure(done.stdout)


def failure(printed: str) -> Outcome:
    """Read from what ansible-playbook has printed why it has failed."""
    failed = _FAILED.search(printed)
    if failed is None:
        return Outcome(False, failure=" ".join(printed.split())[-500:])
    result, _ = json.JSONDecoder().raw_decode(printed, failed.end())
    findings = [
        Finding(str(each["variable"]), str(each["problem"]), str(each["hint"]))
        for each in result.get("findings", [])
    ]
    titles = [match["title"] for match in _TASK.finditer(printed, 0, failed.start())]
    message = " ".join(str(result.get("msg", "")).split())
    return Outcome(False, findings, f"{titles[-1] if titles else 'site.yml'}: {message}")


def _literal(value: Any) -> Any:  # noqa: ANN401 - any value
    """Keep Ansible from taking a value that a person has typed for a template."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    if isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#")):
        return _Literal(value)
    return value

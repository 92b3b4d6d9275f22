"""The command by itself: its exit status, and what it needs, which is little."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from bench.validate import write_inventory
from unit.validate.conftest import COMMAND_ENVIRONMENT, GOOD, PROJECT, Validator, write

# Another user, in a network namespace of its own.
UNPRIVILEGED = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--net")


def run(folder: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Type the command; exit status, what is printed, and what is complained of."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "bridgectl", "validate", "--inventory", "inventory",
         *arguments],
        cwd=folder, env=COMMAND_ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_exit_status_says_what_was_found(tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    status, output, errors = run(tmp_path)
    assert (status, errors) == (0, "")
    assert output.splitlines()[-1].startswith("inventory: 1 bridge, no findings, ")
    write(tmp_path, {"bridges.yml": GOOD + "      proxy_http_port: 22\n"})
    assert run(tmp_path)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--inventory", "nowhere"), "INVENTORY=nowhere does not exist"),
        (("--limit", "attic"), "LIMIT=attic selects no bridge of inventory"),
        (("--format", "pdf"), "invalid choice: 'pdf'"),
        (("--frmat", "json"), "unrecognized arguments"),
        (("--output", "inventory/bridges.yml"), "OUTPUT=inventory/bridges.yml cannot be written"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_keeps_it_from_its_work_is_named(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    status, output, errors = run(tmp_path, *arguments)
    assert (status, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors


@pytest.mark.needs_system
def test_it_needs_neither_rights_nor_a_network_nor_a_home(tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    tmp_path.chmod(0o777)
    prefix = (*UNPRIVILEGED, "env", "HOME=/nowhere")
    status, output, errors = run(tmp_path, "--output", "output", prefix=prefix)
    assert (status, errors) == (0, ""), output
    assert (tmp_path / "output/garage/networkmanager/etc/haproxy/haproxy.cfg").is_file()


def test_nothing_is_left_lying_about(tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prefix = ("env", f"TMPDIR={scratch}", f"HOME={tmp_path}/home")
    before = set(PROJECT.iterdir())
    assert run(tmp_path, prefix=prefix)[0] == 0
    assert list(scratch.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inventory", "scratch"]
    assert set(PROJECT.iterdir()) == before


def test_a_limit_is_a_pattern_of_ansibles(validator: Validator, tmp_path: Path) -> None:
    hosts = "".join(
        f"    {name}: {{uplink_type: ethernet, uplink_interface: eth1}}\n"
        for name in ("east-1", "east-2", "west-1")
    )
    write(tmp_path, {"bridges.yml": f"---\npvs_bridges:\n  hosts:\n{hosts}"})
    for limit, names in (("east-*", ["east-1", "east-2"]), ("all:!east-1", ["east-2", "west-1"])):
        report = validator.json(tmp_path, "--limit", limit).report
        assert [each["name"] for each in report["bridges"]] == names


def test_a_bridge_is_compared_with_those_that_are_not_asked_for(
    validator: Validator, tmp_path: Path
) -> None:
    both = GOOD + "      uplink_hostname: solar\n"
    more = "    barn: {uplink_type: ethernet, uplink_interface: eth1, uplink_hostname: solar}\n"
    write(tmp_path, {"bridges.yml": both + more})
    (finding,) = validator.json(tmp_path, "--limit", "barn").findings
    assert finding["problem"] == "must be unique, but garage has solar too"
    assert validator.json(tmp_path, "--limit", "garage").findings == []


def processor_seconds(folder: Path, count: int) -> float:
    """Return how long the validation of some bridges keeps the processors busy."""
    write_inventory(folder / "inventory", count)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status, output, _ = run(folder, "--format", "json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert status == 0, output
    assert len(json.loads(output)["bridges"]) == count
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_many_bridges_take_little_more_than_few(tmp_path: Path) -> None:
    """`make bench-validate` judges seconds; a ratio is the same on a busy machine."""
    one, many = (processor_seconds(tmp_path / f"{count}", count) for count in (1, 40))
    assert many < 8 * one, f"1 bridge {one:.1f} s, 40 bridges {many:.1f} s"


ENCRYPTED = """\
      uplink_hostname: !vault |
        $ANSIBLE_VAULT;1.1;AES256
        {body}
"""


def encrypted(folder: Path, text: str, password: str) -> str:
    """Write a variable with a vault password, and the file with that password."""
    (folder / "password").write_text(f"{password}\n")
    done = subprocess.run(
        ["ansible-vault", "encrypt_string", "--vault-password-file", "password", text],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.strip() for line in done.stdout.splitlines()[2:]]
    return ENCRYPTED.format(body="\n        ".join(lines))


@pytest.mark.parametrize(
    "arguments",
    [("--vault-password-file", "password"), ("--vault-id", "home@password"), ("-J",)],
    ids=lambda each: each[0],
)
def test_the_vault_options_of_ansible_playbook_are_taken(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    bad = encrypted(tmp_path, "garage.local", "sunny")
    write(tmp_path, {"bridges.yml": GOOD + bad})
    assert run(tmp_path)[0] == 0
    done = subprocess.run(
        # Without a terminal, the password comes from the standard input.
        ["setsid", sys.executable, "-m", "bridgectl", "validate", "--inventory", "inventory",
         *arguments],
        cwd=tmp_path, env=COMMAND_ENVIRONMENT, input="sunny\n", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "uplink_hostname: must be a host name without a dot" in done.stdout


def test_extra_variables_are_taken_as_ansible_playbook_takes_them(
    validator: Validator, tmp_path: Path
) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    (text,) = validator.json(tmp_path, "-e", "proxy_http_port=22").findings
    assert text["problem"] == "must be an integer, got a string"
    (typed,) = validator.json(tmp_path, "-e", '{"proxy_http_port": 22}').findings
    assert "already used by the Pi's SSH server" in typed["problem"]
    assert validator.json(tmp_path).findings == []


def test_a_variable_of_another_project_is_a_note_if_a_group_sets_it(
    validator: Validator, tmp_path: Path
) -> None:
    files = {"bridges.yml": GOOD, "group_vars/all.yml": "---\nproxy_environment: {}\n"}
    done = validator.json(write(tmp_path, files))
    assert (done.status, done.findings) == (0, [])
    (note,) = done.report["notes"]
    assert note.startswith("inventory/group_vars/all.yml:2: proxy_environment: is an unknown")

"""Golden bridges: what makes another one, and the options that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_lab import cli, golden
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions


@pytest.fixture
def roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder that golden bridges depend on, with one file."""
    folder = tmp_path / "roles"
    folder.mkdir()
    (folder / "main.yml").write_text("a: 1\n")
    monkeypatch.setattr(golden, "_PROJECT", tmp_path)
    monkeypatch.setattr(golden, "_SOURCES", ("roles",))
    return folder


def digest(**variables: object) -> str:
    return golden._digest("trixie-1", variables)


@pytest.mark.usefixtures("roles")
def test_the_same_roles_and_variables_are_the_same_bridge() -> None:
    assert digest(proxy_http_port=80) == digest(proxy_http_port=80)
    assert digest(proxy_http_port=80) != digest(proxy_http_port=81)
    assert golden._digest("trixie-1", {}) != golden._digest("trixie-2", {})


def test_a_changed_file_is_another_bridge(roles: Path) -> None:
    found = [digest()]
    (roles / "main.yml").write_text("a: 2\n")
    found.append(digest())
    (roles / "main.yml").chmod(0o755)
    found.append(digest())
    (roles / "main.yml").rename(roles / "other.yml")
    found.append(digest())
    (roles / "link").symlink_to("other.yml")
    found.append(digest())
    assert len({*found}) == len(found)


def test_what_the_playbook_does_not_read_changes_nothing(roles: Path) -> None:
    before = digest()
    (roles / "README.md").write_text("# A role\n")
    (roles / "__pycache__").mkdir()
    (roles / "__pycache__/main.pyc").write_bytes(b"")
    assert digest() == before


def test_every_source_exists() -> None:
    assert [name for name in golden._SOURCES if not (golden._PROJECT / name).exists()] == []


@pytest.mark.parametrize("text", ["[]", "1", "{", ""])
def test_variables_that_are_not_an_object_are_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", "--lab=t-golden", f"--provisioned={text}"]) == 1
    assert f"--provisioned must be a JSON object of variables, got {text!r}" in (
        capsys.readouterr().err
    )


def test_a_pi_with_a_radio_is_refused() -> None:
    options = LabOptions("t-golden", "trixie", "networkmanager", radio=True)
    with pytest.raises(LabError, match="must boot as a container, got a Pi with a radio"):
        golden.provide(options, {}, print)

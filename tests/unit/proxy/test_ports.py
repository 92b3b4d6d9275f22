"""`pvs-bridge ports`: which ports other programs hold, and what follows from it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pvs_bridge.host.paths import TAKEN_PORTS
from pvs_bridge.host.sensors import read_taken_ports
from pvs_bridge.proxy import ports


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the ports, in a root of its own."""
    path = tmp_path / TAKEN_PORTS
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(ports, "TAKEN_PORTS", path)
    return path


@pytest.mark.parametrize("holder", ["127.0.0.1", ""])
def test_a_port_that_another_program_holds_is_left_out(
    tmp_path: Path, file: Path, holder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((holder, 0)) as held, socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = held.getsockname()[1], other.getsockname()[1]
        other.close()
        assert ports.main([f"*:{taken}", f"127.0.0.1:{free}"]) == 0
    assert file.read_text() == f"PVS_BRIDGE_TAKEN_{taken}=yes\n"
    assert read_taken_ports(tmp_path) == [taken]
    assert f"port {taken}: another program uses it" in capsys.readouterr().out


def test_a_port_that_is_only_bound_is_left_out(tmp_path: Path, file: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        ports.main([f"*:{held.getsockname()[1]}"])
        assert read_taken_ports(tmp_path) == [held.getsockname()[1]]
    assert file.exists()


def test_a_port_that_is_free_again_is_served_again(tmp_path: Path, file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ports.main([f"*:{port}"])
    ports.main([f"*:{port}"])
    assert (file.read_text(), read_taken_ports(tmp_path)) == ("", [])


@pytest.mark.parametrize("argument", ["8080", "*:", "*:http"])
def test_wrong_usage_is_named(
    file: Path, argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ports.main([argument]) == 2
    assert "usage: pvs-bridge ports" in capsys.readouterr().err
    assert not file.exists()


def test_without_the_file_no_port_is_taken(tmp_path: Path) -> None:
    assert read_taken_ports(tmp_path) == []

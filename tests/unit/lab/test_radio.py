"""The parts of a lab with a radio that need no guest: hostapd's words, the agent's protocol."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pvs_lab import guest_agent
from pvs_lab.access_point import Network
from pvs_lab.errors import LabError
from pvs_lab.recipes import recipe

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def hostapd_options(network: Network) -> dict[bytes, bytes]:
    """What hostapd would read."""
    lines = network.hostapd_conf("wlan1").splitlines()
    return {key: value for key, _, value in (line.partition(b"=") for line in lines)}


def test_any_bytes_can_name_a_network() -> None:
    told = hostapd_options(Network(b' "#\\;\xf0\x9f\x8f\xa1 ', passphrase=b' "#\\; long enough '))
    assert bytes.fromhex(told[b"ssid2"].decode()) == b' "#\\;\xf0\x9f\x8f\xa1 '
    assert told[b"wpa_passphrase"] == b' "#\\; long enough '


@pytest.mark.parametrize(
    ("security", "keys", "protected"),
    [("wpa2", b"WPA-PSK", b"0"), ("wpa3", b"SAE", b"2"), ("wpa2-wpa3", b"WPA-PSK SAE", b"1")],
)
def test_each_security_has_its_keys(security: str, keys: bytes, protected: bytes) -> None:
    told = hostapd_options(Network(b"home", security, b"a passphrase"))
    assert (told[b"wpa_key_mgmt"], told[b"ieee80211w"]) == (keys, protected)


def test_an_open_network_has_no_keys() -> None:
    assert not any(key.startswith(b"wpa") for key in hostapd_options(Network(b"home", "open")))


@pytest.mark.parametrize(("channel", "band"), [(13, b"g"), (36, b"a")])
def test_the_channel_decides_the_band(channel: int, band: bytes) -> None:
    assert hostapd_options(Network(b"home", "open", channel=channel))[b"hw_mode"] == band


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize("backend", ["networkmanager", "dhcpcd"])
def test_the_card_of_a_pi_with_a_radio_knows_the_home(release: str, backend: str) -> None:
    card = recipe(release, backend, radio=True)
    knowing = [path for path, text in card.files if "the network of the lab" in text]
    # The access point's own file, and one of the Pi's.
    assert len(knowing) == 2, knowing
    assert "linux-image-amd64" in card.packages


@pytest.mark.needs_system
def test_a_tool_that_only_a_radio_needs_is_named(pvs_lab: Command, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for program in Path(folder).glob("*") if Path(folder).is_dir() else ():
            if program.name != "qemu-system-x86_64":
                (tools / program.name).unlink(missing_ok=True)
                (tools / program.name).symlink_to(program)
    name = f"t-no-radio-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    done = pvs_lab("up", "--lab", name, "--radio", PATH=str(tools))
    assert done.returncode == 1
    assert done.stderr == (
        "error: the lab lacks qemu-system-x86\n  hint: apt-get install qemu-system-x86\n"
    )


class Agent:
    """A guest agent that has the programs of its guest in a dictionary.

    Args:
        path: its socket.
    """

    def __init__(self, path: Path) -> None:
        """Listen."""
        self.programs: dict[str, list[dict[str, Any]]] = {}
        self.said: list[dict[str, Any]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # As QEMU does: answers to a closed connection come first.
            connection.sendall(b'{"return": {}}\n')
            with connection, connection.makefile("rwb") as stream:
                for line in stream:
                    asked = json.loads(line.lstrip(b"\xff"))
                    self.said.append(asked)
                    stream.write(self._answer(asked))
                    stream.flush()

    def _answer(self, asked: dict[str, Any]) -> bytes:
        arguments = asked["arguments"]
        if asked["execute"] == "guest-sync-delimited":
            return b"\xff" + json.dumps({"return": arguments["id"]}).encode() + b"\n"
        if asked["execute"] == "guest-exec":
            known = arguments["path"] in self.programs
            answer = {"return": {"pid": 7}} if known else {"error": {"desc": "No such file"}}
        else:
            states = next(iter(self.programs.values()))
            answer = {"return": states.pop(0)}
        return json.dumps(answer).encode() + b"\n"

    def close(self) -> None:
        """Hang up."""
        self._listener.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The place of an agent's socket."""
    return tmp_path / "agent"


@pytest.fixture
def agent(path: Path) -> Iterator[Agent]:
    """An agent that answers."""
    found = Agent(path)
    yield found
    found.close()


def test_a_program_in_the_guest_is_waited_for(agent: Agent, path: Path) -> None:
    printed = base64.b64encode(b"out \xff").decode()
    agent.programs["/bin/say"] = [
        {"exited": False},
        {"exited": True, "exitcode": 3, "out-data": printed},
    ]
    outcome = guest_agent.run(path, ["/bin/say", "it's", "a  word"])
    assert outcome == guest_agent.Outcome(3, b"out \xff", b"")
    (started,) = [one for one in agent.said if one["execute"] == "guest-exec"]
    assert started["arguments"]["arg"] == ["it's", "a  word"]


def test_a_program_that_a_signal_ends_exits_as_in_a_shell(agent: Agent, path: Path) -> None:
    agent.programs["/bin/say"] = [{"exited": True, "signal": 15}]
    assert guest_agent.run(path, ["/bin/say"]).status == 128 + 15


def test_a_program_that_is_not_in_the_guest_is_an_error(agent: Agent, path: Path) -> None:
    agent.programs.clear()
    with pytest.raises(LabError, match=r"refused guest-exec: .*No such file"):
        guest_agent.run(path, ["/bin/nothing"])


def test_a_guest_that_is_off_is_an_error_and_a_status(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pvs_lab.guest_agent", path, "true"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the bridge's guest agent does not answer: ")
    assert done.stderr.splitlines()[1].startswith("  hint: ")

"""The role on a bridge in a lab, with a broker in its home network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from bridges.mqtt.broker import Broker, Site, programs, stopped_at_the_end
from bridges.rollback.bridge import Bridge

from pvs_lab import enter

NAME = "t-mqtt"
CLIENT = "192.168.20.10"
PASSWORD = "swordfish"  # noqa: S105 - of this test
LOGIN = ("-u", "anna", "-P", PASSWORD)
VARIABLES: dict[str, Any] = {
    "mqtt_enabled": True,
    "mqtt_host": CLIENT,
    "mqtt_user": "anna",
    "mqtt_password": PASSWORD,
    "monitor_interval_seconds": 20,
    "monitor_list_seconds": 60,
    "proxy_cache_seconds": 30,
}
ROOT = "pvs_bridge/bridge"
PANELS = 12


class Client:
    """The home's computer, in which the broker runs."""

    def popen(
        self, command: Sequence[str], output: IO[bytes] | int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program there; it leads a process group of its own."""
        return subprocess.Popen(
            enter.command_on(NAME, "client", list(command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    """A bridge with the role, in whose home no broker runs yet."""
    made = Bridge(NAME)
    try:
        made.up_provisioned("trixie", "networkmanager", VARIABLES, f"--simulator=--panels {PANELS}")
        yield made
    finally:
        made.command("down")


@pytest.fixture(scope="module")
def broker(bridge: Bridge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that knows one user, not started."""
    del bridge
    folder = tmp_path_factory.mktemp("lab") / "site"
    folder.mkdir()
    site = Site(programs("trixie"), folder, Client())
    made = Broker(site, "allow_anonymous false", f"password_file {site.path('passwords')}")
    (folder / "passwords").touch()
    done = site.run("mosquitto_passwd", "-b", site.path("passwords"), "anna", PASSWORD)
    assert done.returncode == 0, done.stdout
    with stopped_at_the_end(made):
        yield made


def document(bridge: Bridge) -> dict[str, Any]:
    """Return the status document, as the page gets it."""
    text = bridge.output("client", "curl -s http://bridge/bridge/status.json")
    found: dict[str, Any] = json.loads(text)
    return found


def test_page_and_health_tell_that_the_broker_is_absent(bridge: Bridge) -> None:
    def warnings() -> list[dict[str, Any]]:
        return [each for each in document(bridge)["warnings"] if each["name"] == "mqtt"]

    assert bridge.until(lambda: bool(warnings()), 90)
    (warning,) = warnings()
    assert f"The MQTT broker at {CLIENT}:1883 does not answer" in warning["problem"]
    assert "mqtt_host" in warning["hint"]
    status, told = bridge.run("bridge", "pvs-bridge health")
    assert status == 0
    assert f"The MQTT broker at {CLIENT}:1883 does not answer" in " ".join(told.split())
    journal = bridge.output("bridge", "journalctl -u pvs-bridge-mqtt -o cat")
    assert journal.count("does not answer") == 1
    assert "Traceback" not in journal


def test_the_broker_in_the_home_gets_the_plant(bridge: Bridge, broker: Broker) -> None:
    broker.start()
    assert bridge.until(lambda: f"{ROOT}/plant" in broker.retained(*LOGIN), 90)
    found = broker.retained(*LOGIN)
    shown = document(bridge)
    assert found[f"{ROOT}/plant"]["panels"] == PANELS
    assert found[f"{ROOT}/plant"]["current"] is True
    assert found[f"{ROOT}/status"] == "online"
    assert found[f"{ROOT}/bridge"]["problem"] is False
    panels = {each["serial"] for each in shown["plant"]["panels"]}
    assert {topic for topic in found if topic.startswith(f"{ROOT}/panel/")} == {
        f"{ROOT}/panel/{serial}" for serial in panels
    }
    power = found[f"{ROOT}/plant"]["production_power"]
    assert power == shown["plant"]["power"]["production_watts"]
    assert bridge.until(lambda: document(bridge)["warnings"] == [], 60)


def test_the_service_cannot_ask_the_pvs(bridge: Bridge) -> None:
    """Neither by haproxy's sockets, which its group could use, nor directly."""
    values = bridge.output(
        "bridge", "systemctl show -p IPAddressDeny -p InaccessiblePaths pvs-bridge-mqtt"
    )
    assert "172.27.153.1" in values
    assert "/run/haproxy" in values
    # The firewall lets only haproxy's user out to the PVS. A container has no IPAddressDeny.
    ask = """python3 -c 'import socket; socket.create_connection(("172.27.153.1", 80), 5)'"""
    users = ("-p User=haproxy", "-p DynamicUser=yes -p User=pvs-bridge-x -p Group=haproxy")
    run = "systemd-run --quiet --wait --pipe"
    found = [bridge.run("bridge", f"{run} {user} {ask}")[0] == 0 for user in users]
    assert found == [True, False]


def test_the_plant_is_not_current_while_the_cable_is_out(bridge: Bridge, broker: Broker) -> None:
    bridge.command("cable", "pvs", "out")
    try:
        assert bridge.until(lambda: not broker.retained(*LOGIN)[f"{ROOT}/plant"]["current"], 90)
        health = broker.retained(*LOGIN)[f"{ROOT}/bridge"]
        assert health["problem"] is True
        assert health["details"]["broken_link"] == "cable"
        assert health["text"].startswith("There is no signal on the cable")
    finally:
        bridge.command("cable", "pvs", "in")
    assert bridge.until(lambda: broker.retained(*LOGIN)[f"{ROOT}/plant"]["current"], 120)


def test_a_pi_without_power_is_offline(bridge: Bridge, broker: Broker) -> None:
    """The broker notices it by the missing pings, or by the closed connection."""
    bridge.output("bridge", "systemctl kill --signal=KILL pvs-bridge-mqtt")
    assert bridge.until(lambda: broker.retained(*LOGIN)[f"{ROOT}/status"] == "offline", 20)
    assert bridge.until(lambda: broker.retained(*LOGIN)[f"{ROOT}/status"] == "online", 60)


def test_the_password_is_readable_by_root_only(bridge: Bridge) -> None:
    found = bridge.output(
        "bridge", f"stat -c '%U %a' /etc/pvs-bridge/mqtt.json; grep -rl {PASSWORD} /etc /run "
        "/var/lib 2> /dev/null | grep -v ^/run/credentials/ || true"
    )  # fmt: skip
    assert found.split() == ["root", "600", "/etc/pvs-bridge/mqtt.json"]
    shown = bridge.output("bridge", "journalctl -b; ps -ef; systemctl cat pvs-bridge-mqtt")
    assert PASSWORD not in shown


def test_a_bundle_for_others_lacks_the_password(bridge: Bridge, tmp_path: Path) -> None:
    done = bridge.examine("--bundle", f"--output={tmp_path}")
    assert done.returncode == 0, done.stdout + done.stderr
    (bundle,) = tmp_path.iterdir()
    text = subprocess.run(
        ["tar", "-xOf", str(bundle)], capture_output=True, check=True
    ).stdout.decode(errors="replace")
    assert '"host": "192.168.20.10"' in text
    assert PASSWORD not in text


def test_a_second_run_changes_nothing_and_a_wrong_broker_stops_it(bridge: Bridge) -> None:
    # The first run from this lab knows another name of the Pi.
    bridge.good_run(VARIABLES)
    assert bridge.good_run(VARIABLES).changed == []
    run = bridge.provision({**VARIABLES, "mqtt_host": "mqtt://nas"})
    assert run.status != 0
    assert run.changed == []
    run.says("mqtt_host: must be a host name or an address, got 'mqtt://nas'")


def test_the_role_can_be_undone(bridge: Bridge, broker: Broker) -> None:
    off = {**VARIABLES, "mqtt_enabled": False}
    check = bridge.provision(off, "--check", "--diff")
    assert check.status == 0
    assert PASSWORD not in check.output
    assert f"{ROOT}/plant" in broker.retained(*LOGIN)
    bridge.good_run(off)
    assert broker.retained(*LOGIN) == {}
    left = bridge.output("bridge", "ls /etc/pvs-bridge /etc/systemd/system /run; "
                         "systemctl list-units --all")  # fmt: skip
    assert "mqtt" not in left
    assert bridge.good_run(off).changed == []

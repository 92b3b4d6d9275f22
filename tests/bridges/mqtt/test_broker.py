"""The service with a real mosquitto that is absent, restarted, slow, full, or refuses."""

from __future__ import annotations

import dataclasses
import signal
import time

import pytest
from bridges.mqtt.broker import PORT, SECONDS, Broker, Service, Site

from proxy_rig.world import end

ROOT = "pvs_bridge/garage"
DEVICES = "homeassistant/device/pvs_bridge_garage"
STATUS = f"{ROOT}/status"
PASSWORD = "swordfish & sun"  # noqa: S105 - of this test
# The bridge, the plant and three panels, each with an announcement; totals and status.
MESSAGES = 2 * (1 + 1 + 3) + 2


def everything(service: Service) -> dict[str, object]:
    """Return what the broker should have."""
    return {**service.house.messages(), STATUS: "online"}


@pytest.mark.core
def test_the_broker_gets_the_plant(service: Service, broker: Broker) -> None:
    broker.start()
    service.start()
    service.wait_until_it_works()
    assert broker.retained() == everything(service)
    assert len(everything(service)) == MESSAGES
    assert service.journal == ["connected to the broker"]

    # A change of the plant follows within seconds of the monitor's run.
    service.house.panels[0]["p_3phsum_kw"] = "0.222"
    service.house.read()
    topic = f"{ROOT}/panel/{service.house.panels[0]['SERIAL']}"
    service.wait(lambda: broker.retained()[topic]["power"] == 222)


# One event each second, as haproxy passes them on.
LIVE = """
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/bridge/live" else 404)
        self.end_headers()
        while True:
            self.wfile.write(open({path!r}, "rb").read())
            time.sleep(0.2)
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
"""


def test_live_data_are_published_each_second(site: Site, service: Service, broker: Broker) -> None:
    message = site.folder / "message"
    message.write_text('data: {"params": {"pv_p": 1.234, "site_load_p": 0.5, "net_p": -0.7}}\n\n')
    server = site.start("live.log", "python3", "-c", LIVE.format(path=site.path("message")))
    try:
        broker.start()
        service.options = ("--live-port", "8000")
        service.start()
        plant, before = f"{ROOT}/plant", everything(service)
        known = service.house.messages()[plant]
        service.wait(lambda: broker.retained().get(plant, {}).get("production_power") == 1234)
        found = broker.retained()
        assert found[plant] == known | {
            "production_power": 1234, "home_power": 500, "grid_power": -700
        }  # fmt: skip
        assert {**found, plant: None} == {**before, plant: None}
        message.write_text('data: {"params": {"pv_p": 1.3}}\n\n')
        began = time.monotonic()
        service.wait(lambda: broker.retained()[plant]["production_power"] == 1300)
        assert time.monotonic() - began < 5
        assert broker.retained()[plant]["home_power"] == known["home_power"]
    finally:
        end(server)
    # Then the figures of the monitor are valid again.
    service.wait(lambda: broker.retained() == before)


def test_an_absent_broker_is_reported_once_and_used_when_it_comes(
    service: Service, broker: Broker
) -> None:
    service.start()
    service.wait(lambda: service.issue)
    assert service.issue is not None
    assert "127.0.0.1:1883 does not answer (Connection refused)" in service.issue["problem"]
    assert "mqtt_host" in service.issue["hint"]
    time.sleep(8)  # some attempts
    assert len(service.journal) == 1
    broker.start()
    service.wait_until_it_works()
    assert service.journal[1].startswith("the broker works again after")
    assert broker.retained() == everything(service)


def test_a_restarted_broker_gets_everything_again_without_a_word(
    service: Service, broker: Broker
) -> None:
    broker.start()
    service.start()
    service.wait_until_it_works()
    # Without persistence it has forgotten the retained messages.
    broker.stop()
    broker.start()
    service.wait(lambda: broker.retained() == everything(service))
    assert service.journal == ["connected to the broker"]
    assert service.issue is None


def test_a_broker_that_pauses_keeps_its_connection(service: Service, broker: Broker) -> None:
    broker.start()
    service.start()
    service.wait_until_it_works()
    broker.signal(signal.SIGSTOP)
    for watts in (111, 122, 133):
        service.house.panels[0]["p_3phsum_kw"] = str(watts / 1000)
        service.house.read()
        time.sleep(5)
    broker.signal(signal.SIGCONT)
    topic = f"{ROOT}/panel/{service.house.panels[0]['SERIAL']}"
    service.wait(lambda: broker.retained()[topic]["power"] == 133)
    assert service.journal == ["connected to the broker"]


def test_a_slow_line_gets_everything(service: Service, broker: Broker, site: Site) -> None:
    """A relay before the broker passes 2 KiB a second."""
    broker.lines[0] = f"listener {PORT + 1}"
    broker.start()
    relay = site.start("relay.log", "python3", "-c", _RELAY, f"{PORT}", f"{PORT + 1}", "2048")
    try:
        service.start()
        service.wait_until_it_works(90)
        assert broker.retained("-p", str(PORT + 1)) == everything(service)
        assert service.journal == ["connected to the broker"]
    finally:
        end(relay)


_RELAY = """
import selectors, socket, sys, time
port, to, rate = map(int, sys.argv[1:])
server = socket.create_server(("127.0.0.1", port))
while True:
    client, _ = server.accept()
    broker = socket.create_connection(("127.0.0.1", to))
    with selectors.DefaultSelector() as both:
        both.register(client, 1, broker)
        both.register(broker, 1, client)
        data = b"-"
        while data:
            for key, _ in both.select():
                data = key.fileobj.recv(rate // 10)
                key.data.sendall(data)
                time.sleep(0.1)
"""


def test_a_broker_without_a_place_is_reported(service: Service, broker: Broker, site: Site) -> None:
    broker.lines.append("max_connections 1")
    broker.start()
    other = site.start("other.log", "mosquitto_sub", "-t", "x")
    log = site.folder / "broker.log"
    service.wait(lambda: "New client connected" in log.read_text())
    service.start()
    service.wait(lambda: service.issue)
    assert service.issue is not None
    assert "it may restart, be full" in service.issue["hint"]
    end(other)
    service.wait_until_it_works(90)


def test_a_broker_that_drops_large_messages_is_reported_by_the_topic(
    service: Service, broker: Broker
) -> None:
    broker.lines.append("message_size_limit 4000")
    broker.start()
    service.start()
    service.wait(lambda: service.issue, 60)
    assert service.issue is not None
    assert f"does not deliver {DEVICES}/plant/config" in service.issue["problem"]
    assert "limits of size" in service.issue["hint"]
    # Smaller messages have arrived.
    assert broker.retained()[f"{ROOT}/plant"]["current"] is True


@pytest.fixture
def guarded(broker: Broker, site: Site) -> Broker:
    """A broker that knows one user."""
    broker.lines[1:] = ["allow_anonymous false", f"password_file {site.path('passwords')}"]
    (site.folder / "passwords").touch()
    done = site.run("mosquitto_passwd", "-b", site.path("passwords"), "anna", PASSWORD)
    assert done.returncode == 0, done.stdout
    return broker


@pytest.mark.parametrize("user", ["anna", ""])
def test_a_wrong_password_is_reported_once_and_never_shown(
    service: Service, guarded: Broker, user: str
) -> None:
    service.config = dataclasses.replace(
        service.config, user=user, password=f"{PASSWORD} not" if user else ""
    )
    guarded.start()
    service.start()
    service.wait(lambda: service.issue)
    assert service.issue is not None
    who = "of anna" if user else "without a user"
    assert f"refuses the login {who}" in service.issue["problem"]
    assert "mqtt_password" in service.issue["hint"]
    time.sleep(8)
    assert len(service.journal) == 1
    assert PASSWORD not in f"{service.journal}{service.issue}"


def test_a_user_of_the_broker_publishes(service: Service, guarded: Broker) -> None:
    service.config = dataclasses.replace(service.config, user="anna", password=PASSWORD)
    guarded.start()
    service.start()
    service.wait_until_it_works()
    login = ("-u", "anna", "-P", PASSWORD)
    assert guarded.retained(*login) == everything(service)


@pytest.mark.parametrize("rights", ["topic read #", f"topic readwrite {ROOT}/#", "topic write #"])
def test_a_user_without_the_rights_is_reported(
    service: Service, guarded: Broker, site: Site, rights: str
) -> None:
    (site.folder / "rights").write_text(f"user anna\n{rights}\n")
    guarded.lines.append(f"acl_file {site.path('rights')}")
    service.config = dataclasses.replace(service.config, user="anna", password=PASSWORD)
    guarded.start()
    service.start()
    service.wait(lambda: service.issue, 60)
    assert service.issue is not None
    assert "does not deliver" in service.issue["problem"]
    assert f"read and write {ROOT}/#" in service.issue["hint"]


def test_a_removed_panel_is_removed_from_the_broker_also_after_a_restart(
    service: Service, broker: Broker
) -> None:
    broker.start()
    service.start()
    service.wait_until_it_works()
    house = service.house
    gone = [house.devices.pop()["SERIAL"] for _ in range(2)]
    topics = {
        topic
        for serial in gone
        for topic in (f"{ROOT}/panel/{serial}", f"{DEVICES}/panel_{serial}/config")
    }
    house.read()
    service.wait(lambda: broker.retained()[f"{ROOT}/panel/{gone[0]}"]["state"] == "missing")
    service.stop()
    # The monitor forgets them meanwhile.
    house.bridge.paths.known.unlink()
    state = house.bridge.paths.state
    state.unlink()
    house.read(1)
    service.start()
    service.wait(lambda: not topics & broker.retained().keys())
    left = house.panels[0]["SERIAL"]
    assert f"{DEVICES}/panel_{left}/config" in broker.retained()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_bridge_is_offline_when_the_service_ends(
    service: Service, broker: Broker, how: signal.Signals
) -> None:
    broker.start()
    service.start()
    service.wait_until_it_works()
    assert broker.retained()[STATUS] == "online"
    service.stop(how)
    service.wait(lambda: broker.retained()[STATUS] == "offline", 5)


def test_a_bridge_that_is_forgotten_leaves_nothing(service: Service, broker: Broker) -> None:
    broker.start()
    other = "homeassistant/device/another/config"
    broker.site.run("mosquitto_pub", "-r", "-t", other, "-m", "{}")
    service.start()
    service.wait_until_it_works()
    service.stop()
    done = service.forget()
    assert done.stdout == f"removed {MESSAGES} messages of this bridge from the broker\n"
    assert broker.retained() == {other: {}}
    broker.stop()
    done = service.forget()
    assert done.returncode == 1
    assert "does not answer" in done.stdout


@pytest.fixture
def tls(broker: Broker, site: Site) -> dict[str, str]:
    """A broker with TLS, and the certificates of its authority and of another one by name."""
    made = {}
    for name in ("ca", "stranger"):
        done = site.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", site.path(f"{name}.key"),
            "-out", site.path(f"{name}.crt"),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        made[name] = (site.folder / f"{name}.crt").read_text()
    (site.folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    request = (
        f"openssl req -newkey rsa:2048 -nodes -subj /CN=broker -keyout {site.path('key')} "
        f"-out {site.path('request')} && openssl x509 -req -in {site.path('request')} "
        f"-CA {site.path('ca.crt')} -CAkey {site.path('ca.key')} -CAcreateserial -days 2 "
        f"-extfile {site.path('names')} -out {site.path('crt')}"
    )
    done = site.run("sh", "-c", request)
    assert done.returncode == 0, done.stdout
    broker.lines += [f"certfile {site.path('crt')}", f"keyfile {site.path('key')}"]
    made["itself"] = (site.folder / "crt").read_text()
    return made


@pytest.mark.parametrize("ca", ["ca", "itself"])
def test_a_broker_with_tls_gets_the_plant(
    service: Service, broker: Broker, tls: dict[str, str], ca: str
) -> None:
    service.config = dataclasses.replace(service.config, tls=True, ca=tls[ca])
    broker.start()
    service.start()
    service.wait_until_it_works()
    options = ("--cafile", broker.site.path("ca.crt"), "-h", "127.0.0.1")
    assert broker.retained(*options) == everything(service)


@pytest.mark.parametrize(
    ("ca", "host", "said"),
    [
        ("stranger", "127.0.0.1", "The certificate of the MQTT broker is not valid"),
        ("", "127.0.0.1", "The certificate of the MQTT broker is not valid"),
        ("ca", "localhost", "Hostname mismatch"),
    ],
)
def test_a_broker_that_is_not_the_right_one_is_reported(
    service: Service, broker: Broker, tls: dict[str, str], ca: str, host: str, said: str
) -> None:
    service.config = dataclasses.replace(service.config, tls=True, ca=tls.get(ca, ""), host=host)
    broker.start()
    service.start()
    service.wait(lambda: service.issue)
    assert service.issue is not None
    assert said in service.issue["problem"]
    assert "mqtt_tls_ca" in service.issue["hint"]


@pytest.mark.parametrize("tls_of", ["broker", "service"])
def test_tls_on_one_side_only_is_reported(
    service: Service, broker: Broker, request: pytest.FixtureRequest, tls_of: str
) -> None:
    if tls_of == "broker":
        request.getfixturevalue("tls")
    service.config = dataclasses.replace(service.config, tls=tls_of == "service")
    broker.start()
    service.start()
    service.wait(lambda: service.issue, SECONDS + 10)
    assert service.issue is not None
    assert "TLS" in f"{service.issue}" or "mqtt_port" in service.issue["hint"]

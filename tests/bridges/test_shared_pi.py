"""A Pi that already does something is not broken: real servers and firewalls of Debian."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.rollback.bridge import Bridge, Run

from pvs_lab.playbook import telling_part

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

NAME = "t-shared"
PACKAGES = "firewalld lighttpd podman ufw unbound"
SIMULATOR = "--simulator=--latency-seconds 0.5 --clock 2026-06-21T20:00:00Z"
ASSISTANT = "systemd-run --quiet --unit home-assistant python3 -m http.server 8123 -d /var/empty"
# The Pi's own files, because there is no registry here; a container has few of podman's limits.
PODMAN = "podman --root /run/pod/root --runroot /run/pod/run --storage-driver vfs"
CONTAINER = (
    "mkdir -p /run/pod /srv/root && mount --bind / /srv/root && "
    f"{PODMAN} run --detach --name web --cgroups disabled --publish 8090:8090 "
    "--rootfs /srv/root python3 -m http.server 8090 -d /tmp"
)
SHARED = {
    "proxy_http_port": 8000,
    "firewall_allow": [{"port": 80}, {"port": 8123}, {"port": 8090}],
}


@pytest.fixture(scope="module")
def pi() -> Iterator[Bridge]:
    """A Pi with these packages, of which none runs."""
    made = Bridge(NAME)
    made.command("up", "--release=trixie", "--backend=networkmanager", SIMULATOR,
                 f"--packages={PACKAGES}")  # fmt: skip
    try:
        made.wait_for_boot()
        made.output("bridge", "systemctl disable --now firewalld lighttpd unbound ufw 2>&1")
        # Ends by itself when it is idle.
        made.output("bridge", "systemctl stop netavark-dhcp-proxy.socket netavark-dhcp-proxy")
        yield made
    finally:
        made.command("down")


@pytest.fixture
def assistant(pi: Bridge) -> Iterator[None]:
    """A server on port 8123, and lighttpd on port 80."""
    pi.output("bridge", f"{ASSISTANT}; systemctl start lighttpd")
    both = "ss -Hltn | grep -q ':80 ' && ss -Hltn | grep -q ':8123 '"
    assert pi.until(lambda: pi.run("bridge", both)[0] == 0)
    yield
    pi.run("bridge", "systemctl stop home-assistant lighttpd")


def refusals(run: Run) -> str:
    """Return what a run says that stops before the first change."""
    assert run.status != 0, telling_part(run.output)
    assert run.changed == []
    return run.said


@pytest.mark.parametrize("arguments", [("--check",), ()], ids=["check", "provision"])
def test_ports_of_other_programs_stop_the_run_before_anything_changes(
    pi: Bridge, assistant: None, arguments: tuple[str, ...]
) -> None:
    del assistant
    before = pi.state()
    errors = refusals(pi.provision({}, *arguments))
    assert (
        f"proxy_http_port: port 80 of {NAME} belongs to lighttpd (lighttpd.service). Hint: set "
        "proxy_http_port to a free port; or, on the Pi, sudo systemctl disable --now "
        "lighttpd.service."
    ) in errors
    assert "80/tcp of lighttpd (lighttpd.service)" in errors
    assert "8123/tcp of python3 (home-assistant.service)" in errors
    assert "firewall_allow: [{port: 80}, {port: 8123}] to keep them open" in errors
    assert pi.state() - before == {}


def test_a_name_server_is_named_if_the_bridge_needs_its_port(pi: Bridge) -> None:
    # Debian's key for DNSSEC comes from a package that is only recommended.
    conf = (
        "server:\\n  module-config: iterator\\n  interface: 0.0.0.0\\n"
        "  access-control: 192.168.0.0/16 allow\\n"
    )
    pi.output("bridge", f"printf '{conf}' > /etc/unbound/unbound.conf.d/home.conf")
    pi.output("bridge", "rm -f /etc/unbound/unbound.conf.d/root-auto*; systemctl start unbound")
    try:
        errors = refusals(pi.provision({"console_dns_enabled": True}, "--check"))
        assert f"console_dns_enabled: port 53 of {NAME} belongs to unbound" in errors
        errors = refusals(pi.provision({}, "--check"))
        assert "console_dns_enabled" not in errors
        assert "[{port: 53}, {port: 53, protocol: udp}]" in errors
    finally:
        pi.run("bridge", "systemctl stop unbound; rm /etc/unbound/unbound.conf.d/home.conf")


@pytest.mark.parametrize(
    ("name", "start", "stop"),
    [
        ("ufw", "systemctl start ufw && ufw allow 22/tcp && ufw --force enable",
         "ufw --force disable; systemctl stop ufw"),
        ("firewalld", "systemctl start firewalld", "systemctl stop firewalld"),
    ],
)  # fmt: skip
def test_another_firewall_is_refused_by_name(pi: Bridge, name: str, start: str, stop: str) -> None:
    pi.output("bridge", start)
    try:
        errors = refusals(pi.provision({}, "--check"))
        assert f"firewall_enabled: {name} on {NAME} is another firewall" in errors
        assert pi.provision({"firewall_enabled": False}, "--check").status == 0
    finally:
        pi.run("bridge", stop)


def test_both_programs_serve_the_home_and_a_stranger_on_the_port_is_recognised(
    pi: Bridge, assistant: None
) -> None:
    del assistant
    pi.good_run(SHARED)
    ask = "curl --silent --max-time 30 --output /dev/null --write-out '%{http_code}' "
    assert pi.output("client", f"{ask} http://bridge:8123/") == "404"
    assert pi.output("client", f"{ask} http://bridge/") in ("200", "403", "404")
    devices = "'http://bridge:8000/cgi-bin/dl_cgi?Command=DeviceList'"
    assert pi.output("client", ask + devices) == "200"
    for host, refused in (
        ("bridge-2.local", False), ("bridge.tail1234.ts.net", False),
        ("bridge-1.tail1234.ts.net", False), ("100.64.0.7", True), ("bridge.ts.net", True),
        ("evil.tail1234.ts.net", True), ("bridge.a.ts.net.example.org", True),
        ("bridge-2.example.org", True),
    ):  # fmt: skip
        status = pi.output("client", f"{ask} -H 'Host: {host}' http://bridge:8000/x")
        assert (status == "421") is refused, (host, status)
    # The other server wins at a boot.
    pi.output("bridge", "systemctl stop pvs-bridge-monitor.timer haproxy")
    pi.output("bridge", "systemd-run --quiet --unit stranger python3 -m http.server 8000")
    try:
        listens = "ss -Hltnp | grep ':8000 ' | grep -q python3"
        assert pi.until(lambda: pi.run("bridge", listens)[0] == 0, 90), pi.run(
            "bridge", "ss -Hltnp; systemctl status haproxy stranger"
        )[1]
        said = " ".join(pi.run("bridge", "pvs-bridge health")[1].split())
        assert "Another program listens on port 8000" in said
        again = refusals(pi.provision(SHARED, "--check"))
        assert (
            f"proxy_http_port: port 8000 of {NAME} belongs to python3 (stranger.service)" in again
        )
    finally:
        pi.run("bridge", "systemctl stop stranger; systemctl start haproxy")


def test_a_container_serves_the_home_and_does_not_reach_the_pvs(
    pi: Bridge, assistant: None
) -> None:
    del assistant
    pi.good_run(SHARED)
    pi.output("bridge", CONTAINER)
    try:
        ask = "curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "
        assert pi.until(lambda: pi.run("client", f"{ask} http://bridge:8090/")[1] == "200"), pi.run(
            "bridge", "nft list ruleset; ss -Hltnp"
        )[1]
        connect = "python3 -c \"import socket; socket.create_connection(('{}', {}), 3)\""
        within = f"{PODMAN} exec web "
        assert pi.run("bridge", within + connect.format("192.168.20.1", 53))[0] == 0
        assert pi.run("bridge", within + connect.format("172.27.153.1", 80))[0] != 0
    finally:
        pi.run("bridge", f"{PODMAN} rm --force web; umount /srv/root")


def test_a_port_that_is_not_allowed_is_listed_by_later_runs(pi: Bridge, assistant: None) -> None:
    del assistant
    run = pi.provision({**SHARED, "firewall_allow": [{"port": 80}, {"port": 8090}]}, "--check")
    assert run.status == 0, telling_part(run.output)
    assert run.says("firewall_allow: [{port: 80}, {port: 8090}, {port: 8123}]")

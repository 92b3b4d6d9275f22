"""HTTPS that the bridge ends itself: the rules of HTTP, and connections left for HTTP."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attack_table import AttackTable
from bridges.proxy.attackers import Attackers, Habit
from bridges.proxy.home import BRIDGE, DEVICE_LIST, HTTPS, Home, is_refusal
from bridges.proxy.judge import Judge
from bridges.proxy.spellings import WRITES, Write
from bridges.proxy.test_load import HABITS, LIMIT_SECONDS
from bridges.proxy.test_visitors import credentials

from proxy_rig.haproxy import CONFIGURATION, Unpacked, write_configuration
from proxy_rig.rendering import variables
from pvs_bridge.proxy import certificate
from pvs_lab.process import wait_until

Serve = Callable[..., Home]

CONNECTIONS: int = variables({})["__proxy_https_connections"]


@pytest.mark.core
def test_one_answer_serves_https_and_http(serve: Serve) -> None:
    home = serve(proxy_cache_seconds=30)
    encrypted, plain = home.ask(port=HTTPS), home.ask()
    assert encrypted.status == 200
    assert encrypted.json()["devices"]
    assert encrypted.body == plain.body
    assert home.stats()["requests"] == 1


@pytest.mark.core
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.query.decode())
def test_a_write_by_https_is_refused(serve: Serve, write: Write) -> None:
    home = serve()
    answer = home.ask(write.target.decode(), port=HTTPS)
    assert answer.status == 403
    assert is_refusal(answer)
    assert Judge().read_record(home) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "bridge"}, 200),
        ({"Host": "bridge.local:443"}, 200),
        ({"Host": f"{BRIDGE}:8443"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:443"}, 421),
        ({"Origin": "https://bridge"}, 200),
        ({"Origin": "https://bridge:8443"}, 200),
        ({"Origin": "http://bridge"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Referer": "https://evil.example/page"}, 403),
        ({"Referer": "https://bridge/"}, 200),
        # Browsers send these to HTTPS.
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
    ids=str,
)
def test_https_belongs_to_the_names_and_pages_of_the_bridge(
    serve: Serve, headers: dict[str, str], status: int
) -> None:
    answer = serve().ask(port=HTTPS, headers={"Host": "bridge", **headers})
    assert answer.status == status


def test_https_and_http_count_together(serve: Serve) -> None:
    home = serve(proxy_client_requests_per_minute=60)
    statuses = [home.ask("/", port=port).status for port in (80, HTTPS) * 32]
    assert statuses == [200] * 60 + [429] * 4


def test_https_asks_for_the_same_password(serve: Serve) -> None:
    password_hash = subprocess.run(
        ["openssl", "passwd", "-5", "open sesame"], capture_output=True, text=True, check=True
    ).stdout.strip()
    home = serve(proxy_users={"anna": password_hash})
    assert home.ask(port=HTTPS).status == 401
    right = credentials("anna", "open sesame")
    assert home.ask(port=HTTPS, headers=right).status == 200


def test_the_address_of_the_page_keeps_the_scheme(serve: Serve) -> None:
    answer = serve().ask("/bridge", port=HTTPS)
    assert (answer.status, answer.header("Location")) == (301, "/bridge/")


@pytest.mark.parametrize(
    ("version", "accepted"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
     (ssl.TLSVersion.TLSv1_3, True)],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_old_versions_of_tls_are_not_spoken(
    serve: Serve, version: ssl.TLSVersion, accepted: bool
) -> None:
    home = serve()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with home.world.connect(HTTPS) as plain, contextlib.ExitStack() as stack:
        if not accepted:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                stack.enter_context(context.wrap_socket(plain))
            return
        # The guard's rules are those of HTTP/1.1.
        connection = stack.enter_context(context.wrap_socket(plain))
        assert connection.selected_alpn_protocol() == "http/1.1"


def shown(home: Home) -> str:
    """Return the certificate that the bridge shows."""
    return home.world.bridge.call(lambda: ssl.get_server_certificate((BRIDGE, HTTPS)))


def test_a_program_that_trusts_the_certificate_can_check_the_bridge_s_name(serve: Serve) -> None:
    home = serve()
    context = ssl.create_default_context(cadata=shown(home))
    for name in ("bridge", BRIDGE):
        with (
            home.world.connect(HTTPS) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            assert connection.getpeercert()


def test_the_owner_s_certificate_is_shown(serve: Serve, tmp_path: Path) -> None:
    certificate.create(tmp_path / "pem", ["solar.example"])
    pem = (tmp_path / "pem").read_text()
    assert shown(serve(proxy_https_certificate=pem)).strip() in pem


def test_half_finished_handshakes_leave_http_usable(
    serve: Serve, attack_table: AttackTable
) -> None:
    home = serve(proxy_cache_seconds=30)
    greeting = HABITS["half TLS handshakes"].greeting
    assert home.ask().status == 200
    with contextlib.ExitStack() as stack:
        for number in range(50):
            source = f"192.168.20.{100 + number % 5}"
            held = stack.enter_context(home.world.connect(HTTPS, source=source))
            held.sendall(greeting)
        found = home.timed()
        encrypted = home.timed(port=HTTPS)
    attack_table.add("50 half TLS handshakes", attempts=50, **home.seen(),
                     longest_wait_seconds=found.seconds)  # fmt: skip
    for each in (found, encrypted):
        assert each.answer.status == 200
        assert each.seconds < LIMIT_SECONDS


def test_https_cannot_take_the_connections_of_http(serve: Serve, attack_table: AttackTable) -> None:
    home = serve(proxy_cache_seconds=30)
    sources = [f"192.168.20.{100 + number}" for number in range(50)]
    with Attackers(home.world, Habit(HTTPS, b""), sources, 1000) as attackers:
        assert wait_until(lambda: attackers.attempts >= 4 * CONNECTIONS, 20)
        # A browser opens six.
        with contextlib.ExitStack() as stack:
            waits = []
            for _ in range(6):
                started = time.monotonic()
                connection = stack.enter_context(home.world.connect(80, timeout_seconds=5))
                request = f"GET {DEVICE_LIST} HTTP/1.1\r\nHost: bridge\r\n\r\n"
                connection.sendall(request.encode())
                assert connection.recv(12) == b"HTTP/1.1 200"
                waits.append(time.monotonic() - started)
    attack_table.add("idle connections to HTTPS", attempts=attackers.attempts, **home.seen(),
                     longest_wait_seconds=max(waits))  # fmt: skip
    assert max(waits) < LIMIT_SECONDS


def test_without_a_certificate_haproxy_starts_without_https(unpacked: Unpacked) -> None:
    with tempfile.TemporaryDirectory() as etc:
        write_configuration(Path(etc), {})
        (Path(etc) / "pvs-bridge" / certificate.PEM.name).unlink()
        check = ["haproxy", "-c", "-f", f"/{CONFIGURATION}"]
        without = unpacked.command(Path(etc), "env", f"--unset={certificate.VARIABLE}", *check)
        assert subprocess.run(without, check=False).returncode == 0
        # The variable decides.
        assert subprocess.run(unpacked.command(Path(etc), *check), check=False).returncode != 0

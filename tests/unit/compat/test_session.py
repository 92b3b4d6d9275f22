"""The service logs in once per session of the PVS."""

from __future__ import annotations

import time
from typing import Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.running import DEVICE_LIST, Compat

from pvs_bridge.compat import session
from pvs_bridge.compat.backoff import Backoff
from pvs_sim import Simulator
from pvs_sim.faults import Fault

COMMANDS = (
    DEVICE_LIST,
    "/cgi-bin/dl_cgi?Command=Get_Comm",
    "/cgi-bin/dl_cgi?Command=Start",
    "/cgi-bin/dl_cgi/energy-storage-system/status",
)


def logins(pvs: Simulator) -> int:
    """Count the logins that a PVS has seen, failed ones included."""
    stats = pvs.stats()
    return int(stats["logins"]) + int(stats["login_failures"])


def lines(pvs: Simulator) -> list[str]:
    """Return the requests to a PVS, in order."""
    return [record["line"].split()[1] for record in pvs.log()]


def owner(password: str) -> dict[str, str]:
    """Return the key with the owner's password."""
    return {"password": password}


def expire(pvs: Simulator) -> None:
    """End every session, as the PVS does after some minutes."""
    pvs.call(lambda box: box.sessions.clear())


def test_a_reading_is_a_login_and_one_request(boot: Boot, serve: Serve) -> None:
    pvs = boot(panels=24, battery=True)
    compat = serve(pvs)
    compat.wait_ready()
    for _ in range(3):
        assert compat.get().status == 200
    assert lines(pvs) == [
        "/cgi-bin/dl_cgi/supervisor/info",
        DEVICE_LIST,
        "/auth?login",
        "/vars?match=/sys/",
    ]


@pytest.mark.usefixtures("hurry")
def test_devices_that_a_restart_hid_come_back_without_another_login(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot(incomplete_seconds=900.0, incomplete_inverters=8)
    compat = serve(pvs, cache_seconds=0)
    pvs.call(lambda box: box.restart("test", seconds=0))
    assert len(listed(compat)) == 8
    pvs.call(lambda box: box.set_settings({"incomplete_seconds": 0.0}))
    count = logins(pvs)
    assert len(listed(compat)) == 24
    assert logins(pvs) == count
    assert not [line for line in lines(pvs) if "cache=" in line]


def listed(compat: Compat) -> list[dict[str, Any]]:
    """Return the inverters in an answer."""
    return compat.get().devices("Inverter")


def test_requests_do_not_accept_compression(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    serve(pvs).get()
    sent = {name for record in pvs.log() for name, _ in record["headers"]}
    assert sent <= {"Host", "Cookie", "Authorization", "Connection"}


def test_there_is_never_more_than_one_request_in_flight(boot: Boot, serve: Serve) -> None:
    pvs = boot(latency_seconds=0.05)
    compat = serve(pvs, cache_seconds=0)
    for target in COMMANDS:
        compat.volley(8, target)
    assert pvs.stats()["most_in_flight"]["total"] == 1
    assert logins(pvs) == 1


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.usefixtures("hurry")
def test_an_ended_session_costs_one_login_and_no_failed_poll(
    boot: Boot, serve: Serve, status: int
) -> None:
    pvs = boot(expired_status=status)
    compat = serve(pvs, cache_seconds=0)
    for count in (1, 2, 3):
        assert compat.get().status == 200
        assert logins(pvs) == count
        expire(pvs)


@pytest.mark.usefixtures("hurry")
def test_a_restart_of_the_pvs_costs_one_login(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    compat.get()
    pvs.call(lambda box: box.restart("test", seconds=0.3))
    time.sleep(0.4)
    assert compat.get().status == 200
    assert logins(pvs) == 2


@pytest.mark.usefixtures("hurry")
def test_a_wrong_password_is_retried_with_a_pause(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0, **owner("wrong"))
    answers = [compat.get() for _ in range(20)]
    assert {answer.status for answer in answers} == {503}
    assert "compat_password" in answers[-1].json()["hint"]
    # One, or two on a slow machine.
    count = logins(pvs)
    assert count <= 2
    assert int(answers[-1].headers["Retry-After"]) == 1
    time.sleep(1.1)
    assert compat.get().status == 503
    assert logins(pvs) == count + 1


@pytest.mark.usefixtures("hurry")
def test_a_replaced_pvs_is_detected(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0, stale_seconds=0)
    compat.wait_ready()
    pvs.call(lambda box: setattr(box.state, "serial", "ZT219912345678B4321"))
    expire(pvs)
    assert compat.get().status == 503
    # After the pause that follows the failed login, the service asks for the serial number.
    time.sleep(3)
    answer = compat.get()
    assert answer.status == 200
    assert answer.devices("PVS")[0]["SERIAL"] == "ZT219912345678B4321"


def test_a_changed_password_can_be_configured(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvs_sim.box.credentials_fit", lambda given, _: given_is_secret(given))
    assert serve(boot(), **owner("sunflower")).get().status == 200


def given_is_secret(header: str | None) -> bool:
    """Return whether a header is ssm_owner's with the password sunflower."""
    return header == "basic c3NtX293bmVyOnN1bmZsb3dlcg=="


@pytest.mark.usefixtures("hurry")
def test_sessions_that_end_at_once_do_not_cause_many_logins(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FIRST_PAUSE_SECONDS", 30.0)
    pvs = boot(session_seconds=0.01, latency_seconds=0.03)
    compat = serve(pvs, cache_seconds=0)
    answers = [compat.get() for _ in range(20)]
    assert {answer.status for answer in answers} == {503}
    assert "sessions" in answers[-1].json()["error"]
    assert logins(pvs) == 1


def faulty(boot: Boot, serve: Serve, **fault: Any) -> tuple[Simulator, Compat]:  # noqa: ANN401
    """Start a PVS and a service that logs in, then add a fault."""
    pvs = boot()
    compat = serve(pvs, cache_seconds=0, timeout_seconds=1)
    assert compat.get().status == 200
    pvs.call(lambda box: box.faults.add([Fault(**fault)]))
    return pvs, compat


@pytest.mark.parametrize("kind", ["truncate", "headers_in_body", "reset", "503", "silence"])
@pytest.mark.usefixtures("hurry")
def test_a_damaged_or_missing_reading_causes_no_login(boot: Boot, serve: Serve, kind: str) -> None:
    pvs, compat = faulty(boot, serve, kind=kind, path="/vars")
    answer = compat.get()
    assert (answer.status, "Warning" in answer.headers) == (200, True)
    assert logins(pvs) == 1


def test_pauses_double_up_to_the_longest_and_can_be_reset() -> None:
    now = [0.0]
    backoff = Backoff(2, 10, lambda: now[0])
    pauses = []
    for _ in range(4):
        assert backoff.left_seconds == 0
        backoff.spend()
        pauses.append(backoff.left_seconds)
        now[0] += backoff.left_seconds
    assert pauses == [2, 4, 8, 10]
    backoff.reset()
    assert backoff.left_seconds == 0

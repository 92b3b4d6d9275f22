"""Programs for the new API: logins, and requests of /vars, with firmware of each kind."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.running import Answer, Compat
from unit.compat.test_session import owner

from pvs_bridge.compat import clients, logins
from pvs_sim import Simulator
from pvs_sim.client import fetch
from pvs_sim.varserver import TELEMETRY, variables

OPEN, BOTH, LOCKED = 61707, 61839, 61846
INVERTERS = "match=/sys/devices/inverter/"


pytestmark = pytest.mark.usefixtures("as_on_a_bridge")


@pytest.fixture(autouse=True)
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a wrong password faster."""
    monkeypatch.setattr(clients, "WRONG_SECONDS", 0.2)


def credentials(pvs: Simulator, scheme: str = "basic") -> dict[str, str]:
    """Return the header of a login with the owner's password."""
    password = pvs.call(lambda box: box.state.password)
    return {
        "Authorization": f"{scheme} {base64.b64encode(f'ssm_owner:{password}'.encode()).decode()}"
    }


def log_in(compat: Compat, pvs: Simulator, scheme: str = "basic") -> dict[str, str]:
    """Log in; return the header of the session."""
    answer = compat.get("/auth?login", headers=credentials(pvs, scheme))
    assert answer.status == 200
    return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


def read(compat: Compat, query: str, session: dict[str, str]) -> dict[str, Any]:
    """Return the variables of a query that is answered."""
    answer = compat.get(f"/vars?{query}&fmt=obj", headers=session)
    assert answer.status == 200, answer
    values: dict[str, Any] = answer.json()
    return values


def truth(pvs: Simulator) -> dict[str, str]:
    """Return the variables of the PVS."""
    table: dict[str, str] = pvs.call(lambda box: variables(box._view()))
    return table


def asked(pvs: Simulator) -> list[str]:
    """Return the requests to a PVS, but for those that identify it."""
    targets = [record["line"].split()[1] for record in pvs.log()]
    return [each for each in targets if each != "/cgi-bin/dl_cgi/supervisor/info"]


def wait_until_detected(pvs: Simulator) -> None:
    """Wait until the service has asked whether the PVS is open."""
    deadline = time.monotonic() + 10
    while not asked(pvs) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)


def check_refused(answer: Answer, status: int) -> None:
    """Check that the bridge itself refuses, and says what helps."""
    assert answer.status == status, answer
    assert set(answer.json()) == {"result", "error", "hint"}


@pytest.mark.parametrize("build", [OPEN, BOTH, LOCKED])
@pytest.mark.parametrize("scheme", ["basic", "Basic", "BASIC"])
def test_the_owner_s_password_opens_a_session(
    boot: Boot, serve: Serve, build: int, scheme: str
) -> None:
    pvs = boot(firmware=build, panels=3)
    compat = serve(pvs)
    answer = compat.get("/auth?login", headers=credentials(pvs, scheme))
    assert answer.status == 200
    token = answer.json()["session"]
    assert answer.headers["Set-Cookie"] == f"session={token}; Path=/; HttpOnly"
    assert len(token) > 40
    panels = read(compat, INVERTERS, {"Cookie": f"other=1; session={token}"})
    assert len([name for name in panels if name.endswith("/sn")]) == 3


def test_a_configured_password_replaces_the_serial_number_s(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, **owner("sunflower"))
    check_refused(compat.get("/auth?login", headers=credentials(pvs)), 401)
    header = {"Authorization": "basic c3NtX293bmVyOnN1bmZsb3dlcg=="}
    assert compat.get("/auth?login", headers=header).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "", "basic", "basic eDp5", "basic ssm_owner", "bearer x", "basic \u00e9",
        "basic " + base64.b64encode(b"ssm_owner:").decode(),
        "basic " + base64.b64encode(b"admin:12345").decode(),
    ],
)  # fmt: skip
def test_another_password_takes_a_while_and_opens_nothing(
    boot: Boot, serve: Serve, header: str
) -> None:
    pvs = boot()
    compat = serve(pvs)
    began = time.monotonic()
    answer = compat.get("/auth?login", headers={"Authorization": header})
    check_refused(answer, 401)
    # Without a password, nothing was tried.
    assert not header or time.monotonic() - began >= 0.2
    assert "Set-Cookie" not in answer.headers
    for said in ("ssm_owner", "last five characters of the serial number", "not of the Pi"):
        assert said in answer.json()["hint"]
    assert pvs.stats()["login_failures"] == 0


def test_wrong_passwords_are_refused_one_after_the_other(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    compat.wait_ready()
    began = time.monotonic()
    wrong = {"Authorization": "basic eDp5"}
    with ThreadPoolExecutor(5) as pool:
        pool.map(lambda _: compat.get("/auth?login", headers=wrong), range(5))
    assert time.monotonic() - began >= 1.0
    # The right one does not wait.
    began = time.monotonic()
    log_in(compat, pvs)
    assert time.monotonic() - began < 0.9


def test_too_many_wrong_passwords_are_not_judged(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_MOST_WRONG", 2)
    monkeypatch.setattr(clients, "WRONG_SECONDS", 1.0)
    pvs = boot()
    compat = serve(pvs)
    compat.wait_ready()
    wrong = {"Authorization": "basic eDp5"}
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(compat.get, "/auth?login", "GET", wrong) for _ in range(2)]
        time.sleep(0.3)
        for headers in (wrong, credentials(pvs)):
            check_refused(compat.get("/auth?login", headers=headers), 429)
        check_refused(compat.get("/auth?login"), 401)
        assert {each.result().status for each in waiting} == {401}
    log_in(compat, pvs)


def test_a_session_ends_by_a_logout_and_with_time(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvs = boot()
    compat = serve(pvs)
    session, other = log_in(compat, pvs), log_in(compat, pvs)
    assert compat.get("/auth?logout", headers=session).json() == {"session": ""}
    assert compat.get("/auth?logout").status == 200
    check_refused(compat.get(f"/vars?{INVERTERS}", headers=session), 401)
    assert compat.get(f"/vars?{INVERTERS}", headers=other).status == 200
    monkeypatch.setattr(logins, "LIFE_SECONDS", 0.0)
    check_refused(compat.get(f"/vars?{INVERTERS}", headers=log_in(compat, pvs)), 401)
    assert compat.get(f"/vars?{INVERTERS}", headers=other).status == 200


def test_the_number_of_sessions_is_limited() -> None:
    now = [0.0]
    sessions = logins.Logins(lambda: now[0])
    cookies = [f"session={sessions.open()}" for _ in range(65)]
    assert [sessions.is_open(each) for each in cookies] == [False] + [True] * 64
    now[0] = 301.0
    assert not any(sessions.is_open(each) for each in cookies)
    for cookie in ("", "session=", "session=x", cookies[5][:-1], f"x{cookies[5]}"):
        assert not sessions.is_open(cookie)


@pytest.mark.parametrize("build", [OPEN, LOCKED])
def test_without_a_session_only_public_names_are_answered(
    boot: Boot, serve: Serve, build: int
) -> None:
    pvs = boot(firmware=build)
    compat = serve(pvs)
    wait_until_detected(pvs)
    before = asked(pvs)
    for query in ("name=/sys/info/serialnum", "match=/sys/info/", "cache=x", "tags=info", "fmt=obj",
                  "name=/sys/info/model,/sys/info/wpa_key", f"set={TELEMETRY}=1", INVERTERS,
                  "name=/sys/info/model&cache=x", "clearcache=x&name=/sys/info/model"):  # fmt: skip
        check_refused(compat.get(f"/vars?{query}", headers={"Cookie": "session=invented"}), 401)
    assert asked(pvs) == before
    model = compat.get("/vars?name=/sys/info/model,%2Fsys%2Finfo%2Fsw_rev")
    assert [each["name"] for each in model.json()["values"]] == [
        "/sys/info/model", "/sys/info/sw_rev",
    ]  # fmt: skip
    assert model.json()["count"] == 2


def test_secrets_can_be_opened(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, secrets=True)
    for query in ("name=/sys/info/serialnum", "match=/sys/info/", "match=serialnum"):
        assert read(compat, query, {})["/sys/info/serialnum"] == truth(pvs)["/sys/info/serialnum"]
    for query in (INVERTERS, "match=/", "tags=info", "name=/net/sta0/state"):
        check_refused(compat.get(f"/vars?{query}"), 401)
    assert len(asked(pvs)) == 3


def test_public_names_are_answered_although_the_owner_s_password_is_refused(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot()
    compat = serve(pvs, **owner("wrong"))
    assert read(compat, "name=/sys/info/model", {}) == {"/sys/info/model": "PVS6"}


def test_proxy_users_open_what_haproxy_says(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    named = {clients.ACCESS_HEADER: clients.NAMED}
    assert len(read(compat, INVERTERS, named)) > 10
    answer = compat.get("/auth?login", headers=named)
    session = {"Cookie": f"session={answer.json()['session']}"}
    closed = {clients.ACCESS_HEADER: clients.CLOSED}
    assert len(read(compat, INVERTERS, {**closed, **session})) > 10
    check_refused(compat.get("/vars?name=/sys/info/model", headers=closed), 401)


@pytest.mark.parametrize(
    "query",
    [INVERTERS, "match=inverter", "match=livedata", "match=/sys/devices/meter/", "match=sn",
     "match=state", "match=network", "match=telemetry",
     "name=/sys/livedata/pv_p,/sys/info/serialnum",
     "name=/net/sta0/state,/sys/info/model", "tags=inverter", "match=p3phsumKw&tags=meter",
     "match=sn&instance=1"],
)  # fmt: skip
def test_the_answers_are_those_of_the_pvs(boot: Boot, serve: Serve, query: str) -> None:
    pvs = boot(battery=True, panels=4)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    token = pvs.call(lambda box: box.sessions.open())
    for formatted in (query, f"{query}&fmt=obj", f"{query}&fmt=list"):
        headers = {"Cookie": f"session={token}"}
        own = json.loads(fetch(f"{pvs.http_url}/vars?{formatted}", headers=headers).body)
        for _ in range(2):
            answer = compat.get(f"/vars?{formatted}", headers=session)
            assert answer.json() == own
            assert answer.headers["Content-Type"] == "application/json"

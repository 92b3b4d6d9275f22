"""The health check, and provisioning, on firmware that has closed the old API."""

from __future__ import annotations

from bridges.compat.house import LOCKED, VARIABLES, House


def test_a_bridge_that_translates_is_healthy(locked: House) -> None:
    found = locked.health()
    assert found["healthy"], found
    assert found["interface"] == "translated"
    assert found["note"] is None
    assert found["plant"]["total"]["panels"] == 12


def test_a_stopped_compat_service_is_reported(locked: House) -> None:
    locked.output("bridge", "systemctl stop pvs-bridge-compat")
    try:
        found = locked.health()
    finally:
        locked.output("bridge", "systemctl start pvs-bridge-compat")
    assert found["outcome"] == "translator_down"
    assert locked.until(lambda: bool(locked.health()["healthy"]), 20), locked.health()


def test_a_wrong_password_is_reported_with_a_hint(locked: House) -> None:
    serial = locked.record()["serial"]
    run = locked.provision({**VARIABLES, "compat_password": "not it"})
    assert run.status != 0
    assert run.says("compat_password")
    assert serial[-5:] not in run.output
    # Few failed logins, because the PVS might treat them as an attack.
    assert locked.record()["login_failures"] <= 4
    locked.good_run(VARIABLES)


def test_without_compat_the_new_api_is_healthy_with_a_note(
    locked: House,
) -> None:
    run = locked.good_run({**VARIABLES, "compat_mode": "off"})
    assert run.says("only programs that use /auth and /vars")
    try:
        found = locked.health()
        assert (found["healthy"], found["interface"], found["plant"]) == (True, "new", None)
        assert not locked.exists("/etc/systemd/system/pvs-bridge-compat.service")
        assert "backend compat" not in locked.output("bridge", "cat /etc/haproxy/haproxy.cfg")
    finally:
        locked.good_run(VARIABLES)
    assert locked.provision(VARIABLES).changed == []
    locked.install(LOCKED)
    assert locked.health()["interface"] == "translated"

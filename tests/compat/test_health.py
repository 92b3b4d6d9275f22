"""The health check, and provisioning, on firmware that has closed the older interface."""

from __future__ import annotations

from compat.house import LOCKED, VARIABLES, House


def test_a_bridge_that_translates_is_healthy(locked: House) -> None:
    found = locked.health()
    assert found["healthy"], found
    assert found["interface"] == "translated"
    assert found["note"] is None
    assert found["plant"]["total"]["panels"] == 12


def test_a_program_that_is_gone_is_named(locked: House) -> None:
    locked.output("bridge", "systemctl stop pvs-bridge-compat")
    try:
        found = locked.health()
    finally:
        locked.output("bridge", "systemctl start pvs-bridge-compat")
    assert found["outcome"] == "translator_down"
    assert locked.until(lambda: bool(locked.health()["healthy"]), 20), locked.health()


def test_a_wrong_password_is_told_in_words_that_help(locked: House) -> None:
    serial = locked.record()["serial"]
    run = locked.provision({**VARIABLES, "compat_password": "not it"})
    assert run.status != 0
    assert run.says("compat_password")
    assert serial[-5:] not in run.output
    # Logins in vain are few: the PVS might take them for an attack.
    assert locked.record()["login_failures"] <= 4
    locked.good_run(VARIABLES)


def test_without_translation_the_newer_interface_is_enough_and_a_note_says_for_whom(
    locked: House,
) -> None:
    run = locked.good_run({**VARIABLES, "compat_mode": "off"})
    assert run.says("only programs that know /auth and /vars")
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

"""While a locked PVS restarts, the last reading is served for a while, then an error."""

from __future__ import annotations

from bridges.compat.house import CACHE_SECONDS, STALE_SECONDS, House


def test_a_stale_reading_is_served_with_its_age_for_a_while(locked: House) -> None:
    locked.program("poll", "bridge", "0", "1")
    locked.simulator("/_sim/restart", {"seconds": 24, "phases": {"503": 1, "reset": 1}})
    answers = locked.program("poll", "bridge", "1", "50")
    ages = [int(each["headers"]["age"]) for each in answers if each["status"] == 200]
    stale = [each for each in answers if "warning" in each["headers"]]
    refused = [each for each in answers if each["status"] != 200]

    assert stale
    for each in stale:
        assert each["headers"]["warning"].startswith("110 ")
        assert each["result"] == "succeed"
        assert int(each["headers"]["age"]) >= CACHE_SECONDS
    assert max(ages) <= CACHE_SECONDS + STALE_SECONDS

    assert refused
    for each in refused:
        assert each["status"] == 503
        assert "restarting" in each["error"]
        assert int(each["headers"]["retry-after"]) > 0

    # Stale, then refused, then fresh again.
    kinds = ["stale" if each in stale else "refused" if each in refused else "fresh"
             for each in answers]  # fmt: skip
    changes = [kind for kind, last in zip(kinds, ["", *kinds], strict=False) if kind != last]
    assert [kind for kind in changes if kind != "fresh"] == ["stale", "refused"]
    assert changes[-1] == "fresh"
    record = locked.record()
    assert record["logins"] <= 2
    assert record["most_in_flight"]["total"] == 1


def test_the_health_check_reports_a_stale_answer_as_a_restart(locked: House) -> None:
    locked.program("poll", "bridge", "0", "1")
    locked.simulator("/_sim/restart", {"seconds": 10, "phases": {"503": 1}})
    assert locked.until(lambda: locked.health()["outcome"] == "pvs_restarting", 8), locked.health()
    assert locked.until(lambda: bool(locked.health()["healthy"]), 40), locked.health()

"""Which Pi and which PVS a twin is of: what is asked for, what is there, what was there."""

from __future__ import annotations

import pytest

from bridgectl.rehearse.live import seen
from bridgectl.rehearse.system import Seen, choose
from pvs_lab.options import DEFAULT_BACKEND

NOBODY = Seen()
OLD = Seen("bookworm", "dhcpcd", 61846)
NEW = Seen("trixie", "dhcpcd", 5408)


def test_nothing_known_is_the_usual() -> None:
    system = choose(NOBODY, NOBODY, NOBODY, "auto")
    assert str(system) == (
        "trixie (the usual one), networkmanager (the usual one), firmware 61707 (the usual one)"
    )


def test_what_is_asked_for_comes_before_the_pi_and_the_pi_before_the_last_time() -> None:
    system = choose(Seen(firmware=61830), NEW, OLD, "auto")
    assert str(system) == (
        "trixie (as on the Pi), dhcpcd (as on the Pi), firmware 61830 (as asked for)"
    )
    assert str(choose(NOBODY, NOBODY, OLD, "auto")) == (
        "bookworm (as the last time), dhcpcd (as the last time), firmware 61846 (as the last time)"
    )


def test_what_ran_on_another_release_says_nothing() -> None:
    system = choose(Seen("bookworm"), NEW, NEW, "auto")
    assert (system.release, system.backend) == ("bookworm", DEFAULT_BACKEND)


def test_the_described_backend_is_taken_where_the_pi_s_is_not_known() -> None:
    assert choose(NOBODY, NOBODY, NOBODY, "dhcpcd").backend == "dhcpcd"
    # As it is on the Pi, so that the change to the other one is rehearsed.
    assert choose(NOBODY, Seen("trixie", "networkmanager"), NOBODY, "dhcpcd").backend == (
        "networkmanager"
    )


@pytest.mark.parametrize(
    ("firmware", "model", "is_locked"),
    [(61707, "PVS6", False), (61840, "PVS6", True), (5400, "PVS5", False), (5408, "PVS5", True)],
)
def test_a_build_tells_the_model(firmware: int, model: str, is_locked: bool) -> None:
    pvs = choose(Seen(firmware=firmware), NOBODY, NOBODY, "auto").pvs
    assert (pvs.model, pvs.locked) == (model, is_locked)


@pytest.mark.parametrize(
    ("codename", "backend", "pvs", "found"),
    [
        ("bookworm", "dhcpcd", {"json": {"supervisor": {"SWVER": "2024.6, Build 61707"}}},
         Seen("bookworm", "dhcpcd", 61707)),
        ("bookworm", None, {"status": -1, "msg": "refused"}, Seen("bookworm")),
        ("forky", "networkmanager", {"skipped": True}, Seen(None, "networkmanager")),
    ],
)  # fmt: skip
def test_what_the_pi_says_is_taken_as_far_as_the_lab_has_it(
    codename: str, backend: str | None, pvs: dict[str, object], found: Seen
) -> None:
    pi = {"bridge": {"os": {"codename": codename}, "backend": backend}}
    assert seen({"pi": pi, "pvs": pvs}) == found

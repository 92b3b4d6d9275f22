"""The twin's system: options first, then the real Pi, then the last rehearsal."""

from __future__ import annotations

import pytest

from bridgectl.rehearse.live import seen
from bridgectl.rehearse.system import Seen, choose
from pvs_lab.options import DEFAULT_BACKEND

UNKNOWN = Seen()
OLD = Seen("bookworm", "dhcpcd", 61846)
NEW = Seen("trixie", "dhcpcd", 5408)


def test_unknown_values_have_defaults() -> None:
    system = choose(UNKNOWN, UNKNOWN, UNKNOWN, "auto")
    assert str(system) == (
        "trixie (the default), networkmanager (the default), firmware 61707 (the default)"
    )


def test_options_come_before_the_pi_and_the_pi_before_the_last_rehearsal() -> None:
    system = choose(Seen(firmware=61830), NEW, OLD, "auto")
    assert str(system) == (
        "trixie (as on the Pi), dhcpcd (as on the Pi), firmware 61830 (as requested)"
    )
    assert str(choose(UNKNOWN, UNKNOWN, OLD, "auto")) == (
        "bookworm (as in the last rehearsal), dhcpcd (as in the last rehearsal), "
        "firmware 61846 (as in the last rehearsal)"
    )


def test_the_backend_of_another_release_is_ignored() -> None:
    system = choose(Seen("bookworm"), NEW, NEW, "auto")
    assert (system.release, system.backend) == ("bookworm", DEFAULT_BACKEND)


def test_the_configured_backend_is_used_if_the_pi_is_unknown() -> None:
    assert choose(UNKNOWN, UNKNOWN, UNKNOWN, "dhcpcd").backend == "dhcpcd"
    # The Pi's current backend, so that the change to the configured one is rehearsed.
    assert choose(UNKNOWN, Seen("trixie", "networkmanager"), UNKNOWN, "dhcpcd").backend == (
        "networkmanager"
    )


@pytest.mark.parametrize(
    ("firmware", "model"),
    [(61707, "PVS6"), (61840, "PVS6"), (5400, "PVS5"), (5408, "PVS5")],
)
def test_the_model_follows_from_the_build(firmware: int, model: str) -> None:
    assert choose(Seen(firmware=firmware), UNKNOWN, UNKNOWN, "auto").model == model


@pytest.mark.parametrize(
    ("codename", "backend", "pvs", "found"),
    [
        ("bookworm", "dhcpcd", {"json": {"supervisor": {"SWVER": "2024.6, Build 61707"}}},
         Seen("bookworm", "dhcpcd", 61707)),
        ("bookworm", None, {"status": -1, "msg": "refused"}, Seen("bookworm")),
        ("forky", "networkmanager", {"skipped": True}, Seen(None, "networkmanager")),
    ],
)  # fmt: skip
def test_the_pi_s_system_is_used_if_the_lab_supports_it(
    codename: str, backend: str | None, pvs: dict[str, object], found: Seen
) -> None:
    pi = {"bridge": {"os": {"codename": codename}, "backend": backend}}
    assert seen({"pi": pi, "pvs": pvs}) == found

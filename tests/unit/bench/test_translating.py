"""What ``make bench-compat`` weighs: a process of this machine, and what a guest says."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import pytest
from bench.translating.guest import OWN, read_console
from bench.translating.handshake import handshake_ms
from bench.translating.rig import PROJECT, RigError
from bench.translating.weighing import MARK, Weight, Weights, weight_of

SAID = Weights("aarch64", "3.13.5", Weight(33.8, 27.0, 23.2), Weight(34.9, 28.2, 24.4), 41.5)


def test_the_guest_gets_files_that_exist() -> None:
    assert all((PROJECT / each).is_dir() for each in OWN)


def test_a_handshake_takes_a_moment() -> None:
    assert 0 < handshake_ms() < 1000


def test_a_process_shares_some_of_its_memory() -> None:
    weight = weight_of(os.getpid())
    assert 1 < weight.private <= weight.pss <= weight.rss


def test_the_guest_s_last_word_counts() -> None:
    first = json.dumps({**asdict(SAID), "python": "2"})
    lines = ["boot", f"{MARK} {first}", f"{MARK} {json.dumps(asdict(SAID))}\r", "down"]
    assert read_console("\n".join(lines)) == SAID


def test_a_guest_that_says_nothing_is_a_failure_with_its_console() -> None:
    with pytest.raises(RigError, match="Kernel panic"):
        read_console("Kernel panic - not syncing")

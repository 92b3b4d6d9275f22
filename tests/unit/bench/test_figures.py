"""Tables and wanted figures."""

from __future__ import annotations

import dataclasses

import pytest
from bench.proxies.contenders import BRIDGE
from bench.proxies.figures import (
    Results,
    Wanted,
    burst_table,
    percentile,
    polling_table,
    timing_table,
    wanted,
    wanted_list,
)
from bench.proxies.outcomes import Outcome, Seen, Timing

from pvs_lab.figures import table


def broken(figures: list[Wanted]) -> list[str]:
    return [each.what for each in figures if not each.kept]


def with_ours(results: Results, scenario: str, **changes: object) -> Results:
    def change(each: Outcome) -> Outcome:
        meant = (each.contender, each.scenario) == (BRIDGE, scenario)
        return dataclasses.replace(each, **changes) if meant else each  # type: ignore[arg-type]

    return dataclasses.replace(
        results,
        polling=[change(each) for each in results.polling],
        bursts=[change(each) for each in results.bursts],
    )


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.75, 3.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == value


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 0.5) is None


def test_a_table_aligns_words_left_and_figures_right() -> None:
    assert table(["who", "by", "ms"], [["a", "nginx", "1.5"], [], ["bb", "x", "10.25"]]) == (
        "who  by        ms\na    nginx    1.5\n\nbb   x      10.25"
    )


def test_the_tables_have_every_contender(results: Results) -> None:
    for text in (
        polling_table(results.polling),
        burst_table(results),
        timing_table(results.passed_on, "no proxy"),
    ):
        for name in ("no proxy", "source guide", "nginx", "Varnish", "pvs-bridge"):
            assert name in text


def test_what_a_proxy_adds_is_its_surplus_over_none() -> None:
    lines = timing_table([Timing("kept", {"no proxy": 0.8, "nginx": 1.0})], "no proxy").splitlines()
    assert lines[1].split()[-1] == "-"
    assert lines[2].endswith("1.000 ms  0.200 ms")


def test_all_is_kept_where_all_is_well(results: Results) -> None:
    assert broken(wanted(results)) == []
    assert "NOT" not in wanted_list(wanted(results))


@pytest.mark.parametrize(
    ("scenario", "changes", "word"),
    [
        ("32 at once", {"seen": Seen(2, 1, 0)}, "32 programs at once"),
        ("32 at once", {"failed": 1}, "32 programs at once"),
        ("8", {"seen": Seen(9, 2, 0)}, "8 programs: never two"),
        ("8", {"seen": Seen(9, 1, 1)}, "8 programs: never two"),
        ("8", {"failed": 1}, "8 programs: never two"),
        ("8, 4 questions", {"seen": Seen(9, 2, 0)}, "the same with"),
        ("32", {"oldest": 36.0}, "no DeviceList is older"),
    ],
)
def test_a_broken_promise_is_named(
    results: Results, scenario: str, changes: dict[str, object], word: str
) -> None:
    figures = wanted(with_ours(results, scenario, **changes))
    assert len(broken(figures)) == 1
    assert broken(figures)[0].startswith(word)
    assert [each.promised for each in figures if not each.kept] == [True]


def test_a_burst_without_an_answer_can_be_told(results: Results) -> None:
    figures = wanted(with_ours(results, "32 at once", waited=(), failed=32))
    assert len(broken(figures)) == 2


def test_slow_https_is_a_figure_of_the_machine(results: Results) -> None:
    medians = {"nginx, HTTP": 1.0, "nginx, HTTPS": 1.1, "pvs-bridge, HTTP": 1.0,
               "pvs-bridge, HTTPS": 1.4}  # fmt: skip
    figures = wanted(dataclasses.replace(results, encrypted=[Timing("kept", medians)]))
    assert not [each for each in figures if each.promised and not each.kept]
    (found,) = broken(figures)
    assert found.startswith("HTTPS takes at most 1.3 times as long as HTTP (kept)")
    assert "1.40 times; nginx 1.10 times" in wanted_list(figures)


def test_a_figure_of_the_machine_is_not_a_promise(results: Results) -> None:
    slow = with_ours(results, "32 at once", waited=(6.5, 6.7))
    shared = [Timing("kept", {"nginx": 1.0, "Varnish": 2.0, "pvs-bridge": 1.3})]
    figures = wanted(dataclasses.replace(slow, shared=shared))
    assert len(broken(figures)) == 2
    assert not [each for each in figures if each.promised and not each.kept]
    assert "a shared answer takes at most 1.2 times that of nginx (kept): 1.30 times" in (
        wanted_list(figures)
    )

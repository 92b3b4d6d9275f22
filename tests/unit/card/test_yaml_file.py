"""YAML as people type it: kind where it can be, exact where it is wrong, never a crash."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from pvs_bridge.boot_config.yaml_file import BrokenError, parse

_ALPHABET = "ab:-#'\"{}[]&*!|>%@` \t\n\r019._~,?=<\\\x00é"


def test_values_know_their_lines() -> None:
    parsed = parse("# head\na: 1\nb:\n  - c: x\n    d: [1, 2]\n")
    assert parsed.values == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert parsed.lines == {
        "a": 2, "b": 3, "b[0]": 4, "b[0].c": 4, "b[0].d": 5, "b[0].d[0]": 5, "b[0].d[1]": 5,
    }  # fmt: skip


def test_tabs_are_taken_for_spaces() -> None:
    parsed = parse("b:\n\t- c: x\n\t\td: y\n")
    assert parsed.values == {"b": [{"c": "x", "d": "y"}]}
    assert parsed.tabs


def test_keys_and_dates_stay_what_was_typed() -> None:
    assert parse("a: {NO: 2026-01-02, 007: x}\n").values == {"a": {"NO": "2026-01-02", "007": "x"}}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_nothing_is_no_mistake(text: str) -> None:
    assert parse(text).values == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: c: d\n", "line 2, column 5: is not written as YAML wants it"),
        ("a: 'x\n", "line 2, column 1: is not written"),
        ("a: {b\n", "line 2, column 1: is not written"),
        ("- a\n", "line 1: is not a list of variables. Hint: "),
        ("a: 1\nb: \x00\n", "line 2: has a character that no text has. Hint: "),
    ],
)
def test_what_is_broken_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BrokenError) as raised:
        parse(text)
    assert str(raised.value).startswith(said)
    assert " Hint: " in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b: !vault x\n", "line 2: b: has a value that only Ansible understands"),
        ("b: !!binary aGk=\n", "line 2: b: has a value that only"),
        ("b: 0x_\n", "line 2: b: has a value that only"),
        ("b: &b [*b]\n", "line 2: b: has a value that only"),
        ("a: 2\n", "line 2: a: stands here for the second time. Hint: remove one; this one counts"),
    ],
)
def test_a_value_that_cannot_be_read_is_left_out_alone(text: str, said: str) -> None:
    parsed = parse(f"a: 1\n{text}c: 3\n")
    assert parsed.values["c"] == 3
    assert [each.startswith(said) for each in parsed.mistakes] == [True]


@hypothesis.given(strategies.text(alphabet=_ALPHABET, max_size=60))
def test_no_text_whatever_is_a_crash(text: str) -> None:
    try:
        parsed = parse(text)
    except BrokenError as error:
        assert "Hint: " in str(error)
    else:
        assert set(parsed.values) <= set(parsed.lines)

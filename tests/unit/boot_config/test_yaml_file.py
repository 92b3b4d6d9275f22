"""YAML typed by users: small mistakes are accepted, others reported with their line."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from pvs_bridge.boot_config.yaml_file import BrokenError, parse

_ALPHABET = "ab:-#'\"{}[]&*!|>%@` \t\n\r019._~,?=<\\\x00é"


def test_the_line_of_each_value_is_known() -> None:
    parsed = parse("# head\na: 1\nb:\n  - c: x\n    d: [1, 2]\n")
    assert parsed.values == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert parsed.lines == {
        "a": 2, "b": 3, "b[0]": 4, "b[0].c": 4, "b[0].d": 5, "b[0].d[0]": 5, "b[0].d[1]": 5,
    }  # fmt: skip


def test_tabs_are_read_as_spaces() -> None:
    parsed = parse("b:\n\t- c: x\n\t\td: y\n")
    assert parsed.values == {"b": [{"c": "x", "d": "y"}]}
    (note,) = parsed.notes
    assert str(note).startswith("line 2: begins with a tab")


def test_keys_and_dates_are_read_as_typed() -> None:
    assert parse("a: {NO: 2026-01-02, 007: x}\n").values == {"a": {"NO": "2026-01-02", "007": "x"}}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_valid(text: str) -> None:
    assert parse(text).values == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b: c: d\n", "line 1: column 5 is not valid YAML"),
        ("a: 'x\n", "line 1: column 4 is not valid"),
        ("a: {b\n", "line 2: column 1 is not valid"),
        ("- a\n", "line 1: must be a variable. Hint: "),
        ("b: \x00\n", "line 1: has a control character. Hint: "),
    ],
)
def test_invalid_yaml_is_reported_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BrokenError) as raised:
        parse(text)
    assert str(raised.value).startswith(message)
    assert raised.value.issue.hint
    # With another variable, only the broken one is left out.
    parsed = parse(f"{text}\nz: 1\n")
    assert (parsed.values, len(parsed.issues)) == ({"z": 1}, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b: !vault x\n", "line 2: b: has a value that only Ansible understands"),
        ("b: !!binary aGk=\n", "line 2: b: has a value that only"),
        ("b: 0x_\n", "line 2: b: has a value that only"),
        ("b: &b [*b]\n", "line 2: b: has a value that only"),
        ("a: 2\n", "line 2: a: is set a second time. Hint: remove one; the last one is used"),
    ],
)
def test_only_an_unreadable_value_is_left_out(text: str, message: str) -> None:
    parsed = parse(f"a: 1\n{text}c: 3\n")
    assert parsed.values["c"] == 3
    assert [str(each).startswith(message) for each in parsed.issues] == [True]


@hypothesis.given(strategies.text(alphabet=_ALPHABET, max_size=60))
def test_no_text_raises_another_error(text: str) -> None:
    try:
        parsed = parse(text)
    except BrokenError as error:
        assert error.issue.hint
    else:
        assert set(parsed.values) <= set(parsed.lines)

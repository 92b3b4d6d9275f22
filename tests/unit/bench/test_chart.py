"""The picture of the benchmark."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as Xml

from bench.proxies.chart import Column, Group, draw, groups
from bench.proxies.contenders import CONTENDERS
from bench.proxies.figures import Results

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [node.text or "" for node in Xml.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314


def bars(picture: str, kind: str) -> list[float]:
    nodes = Xml.fromstring(picture).iter(f"{SVG}rect")  # noqa: S314 - our own picture
    return [float(node.get("width", "")) for node in nodes if node.get("class") == kind]


def column(*values: float | None, harmless: float | None = None) -> Group:
    cells = tuple((value, "<none>" if value is None else f"{value:g}") for value in values)
    return Group(("group",), (Column(("first", "second"), cells, harmless),))


def test_it_names_every_contender_and_figure(results: Results) -> None:
    shown = texts(draw(groups(results)))
    assert [each.name for each in CONTENDERS] == shown[: len(CONTENDERS)]
    for text in ("95 %", "2", "6.50 s", "0.22 ms", "14 MiB"):
        assert text in shown


def test_who_never_gets_an_answer_has_no_bar(results: Results) -> None:
    silent = [dataclasses.replace(each, waited=()) for each in results.bursts]
    picture = draw(groups(dataclasses.replace(results, bursts=silent)))
    assert texts(picture).count("no answer") == len(CONTENDERS)


def test_the_greatest_value_fills_its_column() -> None:
    picture = draw([column(1, 2, 4, 0, 2)])
    assert bars(picture, "bar") == [19.0, 38.0, 76.0, 0.0]
    assert bars(picture, "ours") == [38.0]


def test_what_does_harm_looks_so() -> None:
    picture = draw([column(0, 1, 2, None, 0, harmless=1)])
    assert bars(picture, "harm") == [76.0]
    assert len(bars(picture, "track")) == 4


def test_a_column_of_zeros_has_bars_of_no_length() -> None:
    assert bars(draw([column(0, 0, 0, 0, 0, harmless=0)]), "bar") == [0.0] * 4


def test_signs_of_markup_are_only_text() -> None:
    assert "<none>" in texts(draw([column(None, 1, 1, 1, 1)]))


def test_it_is_readable_on_dark_and_on_light_pages(results: Results) -> None:
    picture = draw(groups(results))
    assert "prefers-color-scheme: dark" in picture
    assert picture.endswith("</svg>\n")

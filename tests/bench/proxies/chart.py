"""The outcome as a picture: a row for each contender, a column for each figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.proxies.contenders import BRIDGE, CONTENDERS, Contender
from bench.proxies.figures import Results
from bench.proxies.runs import BURST, MINUTES, MIXED

_MARGIN = 20
_NAMES = 104
_COLUMN = 92
_BAR = 76
_HEAD = 118
_ROW = 40

# A card of its own colour can be read on any page, whatever the page thinks of dark and light.
_STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de }
  .track { fill: #eaeef2 }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  .harm { fill: #cf222e }
  text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .small { fill: #59636e; font-size: 11px }
  .strong { font-weight: 600 }
  .line { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    .track { fill: #262c36 }
    .bar { fill: #7d8590 }
    .ours { fill: #4493f8 }
    .harm { fill: #f85149 }
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .line { stroke: #3d444d }
  }
"""


@dataclass(frozen=True)
class Column:
    """One figure of all contenders.

    Attributes:
        title: at most two lines.
        cells: for each row its value, None where it has none, and what is written.
        harmless: values above it do harm; None where a figure is only big or small.
    """

    title: tuple[str, ...]
    cells: tuple[tuple[float | None, str], ...]
    harmless: float | None = None


@dataclass(frozen=True)
class Group:
    """Columns that belong together.

    Attributes:
        title: at most two lines.
        columns: they.
    """

    title: tuple[str, ...]
    columns: tuple[Column, ...]


def groups(results: Results) -> list[Group]:
    """What the picture shows of the results."""
    polling = [
        Group(title, (_restarts(results, scenario), _failed(results, scenario)))
        for scenario, title in (
            ("8", (f"8 programs, {MINUTES} min", "the same question")),
            (MIXED.name, (f"8 programs, {MINUTES} min", f"{len(MIXED.questions)} questions")),
        )
    ]
    burst = Group((f"{BURST} programs", "at once"), (_reached(results), _slowest(results)))
    costs = Group(("what it costs",), (_shared(results), _memory(results)))
    return [*polling, burst, costs]


def _restarts(results: Results, scenario: str) -> Column:
    counts = [results.of(each, scenario).seen.restarts for each in CONTENDERS]
    return Column(("PVS", "restarts"), tuple((count, str(count)) for count in counts), 0)


def _failed(results: Results, scenario: str) -> Column:
    outcomes = [results.of(each, scenario) for each in CONTENDERS]
    shares = [100 * each.failed / each.asked for each in outcomes]
    return Column(("not", "answered"), tuple((share, f"{share:.0f} %") for share in shares), 0)


def _reached(results: Results) -> Column:
    counts = [max(each.seen.requests for each in results.bursts_of(one)) for one in CONTENDERS]
    return Column(("requests", "at the PVS"), tuple((count, str(count)) for count in counts), 1)


def _slowest(results: Results) -> Column:
    def cell(contender: Contender) -> tuple[float | None, str]:
        waited = [seconds for each in results.bursts_of(contender) for seconds in each.waited]
        return (max(waited), f"{max(waited):.2f} s") if waited else (None, "no answer")

    return Column(("slowest", "answer"), tuple(cell(each) for each in CONTENDERS))


def _shared(results: Results) -> Column:
    medians = results.shared[0].medians
    cells = [
        (medians[each.name], f"{medians[each.name]:.2f} ms")
        if each.name in medians
        else (None, "-")
        for each in CONTENDERS
    ]
    return Column(("shared", "answer"), tuple(cells))


def _memory(results: Results) -> Column:
    def cell(contender: Contender) -> tuple[float | None, str]:
        held = [
            each.memory.pss
            for each in results.polling
            if each.contender == contender and each.memory
        ]
        return (max(held), f"{max(held):.0f} MiB") if held else (None, "-")

    return Column(("memory", ""), tuple(cell(each) for each in CONTENDERS))


def draw(shown: Sequence[Group]) -> str:
    """The picture, as SVG.

    Args:
        shown: its columns; each has a cell for each of the contenders.
    """
    columns = sum(len(group.columns) for group in shown)
    width = 2 * _MARGIN + _NAMES + columns * _COLUMN
    height = _HEAD + len(CONTENDERS) * _ROW + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="title">',
        '<title id="title">make bench-proxy: five ways to the PVS side by side</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    for number, contender in enumerate(CONTENDERS):
        kind = "strong" if contender == BRIDGE else ""
        parts.append(_text(_MARGIN, _HEAD + number * _ROW + 12, contender.name, kind))
    x = _MARGIN + _NAMES
    for group in shown:
        parts += _group(group, x)
        x += len(group.columns) * _COLUMN
    return "\n".join([*parts, "</svg>", ""])


def _group(group: Group, x: int) -> list[str]:
    end = x + len(group.columns) * _COLUMN - (_COLUMN - _BAR)
    parts = [_text(x, 32 + 16 * line, text, "strong") for line, text in enumerate(group.title)]
    parts.append(f'<line class="line" x1="{x}" y1="58" x2="{end}" y2="58"/>')
    for number, column in enumerate(group.columns):
        parts += _column(column, x + number * _COLUMN)
    return parts


def _column(column: Column, x: int) -> list[str]:
    parts = [_text(x, 76 + 14 * line, text, "small") for line, text in enumerate(column.title)]
    most = max((value for value, _ in column.cells if value is not None), default=0)
    for number, (contender, (value, text)) in enumerate(zip(CONTENDERS, column.cells, strict=True)):
        y = _HEAD + number * _ROW
        harm = value is not None and column.harmless is not None and value > column.harmless
        kind = "harm" if harm else "ours" if contender == BRIDGE else "bar"
        parts.append(_text(x, y + 12, text, "harm" if harm else ""))
        if value is not None:
            length = round(_BAR * value / most, 1) if most else 0
            parts.append(f'<rect class="track" x="{x}" y="{y + 18}" width="{_BAR}" height="6"/>')
            parts.append(f'<rect class="{kind}" x="{x}" y="{y + 18}" width="{length}" height="6"/>')
    return parts


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'

"""Documentation: links and commands exist, and the front page stays short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lint.project import ROOT, files

README_LINES = 150
_LINK = re.compile(r"\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Find the targets of the links and pictures outside of code blocks, without web addresses."""
    for match in _LINK.finditer(_CODE.sub("", text)):
        target = match[1] or match[2]
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = _HEADING.findall(_CODE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def is_dead(page: Path, target: str) -> bool:
    """Tell whether a relative link of a page leads to a missing file or heading."""
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    return not file.exists() or bool(anchor and anchor not in anchors(file.read_text()))


def test_every_relative_link_leads_to_a_file_and_a_heading() -> None:
    pages = {path: path.read_text() for path in files() if path.suffix == ".md"}
    found = [(page, target) for page, text in pages.items() for target in links(text)]
    assert len(found) > 50
    dead = [f"{page.relative_to(ROOT)}: {to}" for page, to in found if is_dead(page, to)]
    assert dead == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One thing (or two)\n\n```\n[code](gone.md)\n```\n[a](gone.md) [b](#one-thing)\n"
        "[c](#one-thing-or-two) [d](page.md) [e](https://example.org)\n"
    )
    dead = [target for target in links(page.read_text()) if is_dead(page, target)]
    assert dead == ["gone.md", "#one-thing"]


def test_the_action_and_the_hook_are_pinned_to_a_commit() -> None:
    """A branch may change, and what it then contains runs in the CI of every user."""
    pattern = re.compile(r"uses: [\w./-]+@(\S+)|^ *rev: (\S+)", re.MULTILINE)
    found = [
        (page.relative_to(ROOT).as_posix(), match[1] or match[2])
        for page in files()
        if page.suffix in (".md", ".yml", ".yaml")
        for match in pattern.finditer(page.read_text())
    ]
    assert {page for page, _ in found} >= {"ansible/README.md", "action.yml"}
    assert [
        (page, rev) for page, rev in found if not re.fullmatch(r"COMMIT|[0-9a-f]{40}", rev)
    ] == []


def test_every_make_command_that_users_read_exists() -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    folders = ("README.md", "ansible", "image", "roles")
    pages = [
        path
        for path in files()
        if path.suffix == ".md" and path.relative_to(ROOT).parts[0] in folders
    ]
    named = {(page, name) for page in pages for name in _MAKE.findall(page.read_text())}
    assert len(named) > 20
    assert [(str(page), name) for page, name in named if name not in targets] == []


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < README_LINES

"""A report as text, as JSON, as JUnit's XML, and as GitHub's annotations."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from bridgectl.validate.report import Bridge, Problem, Report

_JSON_VERSION = 1
# So many of a kind are named.
_FEW = 3
# XML 1.0 has no place for them.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(report: Report) -> str:
    """Write a report for a person."""
    lines: list[str] = []
    width = max((len(bridge.name) for bridge in report.bridges), default=0)
    for problem in report.problems_of_all:
        lines += _problem_in_words(problem)
    for bridge in report.bridges:
        lines.append(f"{bridge.name:{width}}  {_state(report, bridge)}")
    for problem in report.problems:
        if problem.bridges:
            lines += _problem_in_words(problem)
    lines += ["", *_remarks(report)] if _remarks(report) else []
    return "\n".join([*lines, *([""] if lines else []), _summary(report)])


def as_json(report: Report) -> str:
    """Write a report for a program, in the form that the README of this folder describes."""
    content = dataclasses.asdict(report)
    content["findings"] = content.pop("problems")
    content = {"version": _JSON_VERSION, "ok": not report.problems, **content}
    return json.dumps(content, indent=2)


def as_junit(report: Report) -> str:
    """Write a report as JUnit's XML: a case for the inventory, for each bridge and program."""
    suite = ET.Element("testsuite", name="pvs-bridge validate", time=f"{report.seconds:.3f}")
    cases = [("inventory", report.problems_of_all)]
    cases += [(bridge.name, report.problems_of(bridge.name)) for bridge in report.bridges]
    for name, problems in cases:
        case = _element(suite, "testcase", name=name, classname="validate")
        for problem in problems:
            text = " ".join(filter(None, [problem.place, problem.message]))
            _element(case, "failure", message=problem.message, type=problem.by).text = _xml(text)
    for each in report.not_checked:
        case = _element(suite, "testcase", name=each.program, classname="validate.checkers")
        _element(case, "skipped", message=f"{each.why}; {each.hint}")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}'


def as_github(report: Report) -> str:
    """Write a report as GitHub's workflow commands, which show up beside the lines."""
    lines = []
    for problem in report.problems:
        options = {
            "file": problem.file,
            "line": str(problem.line) if problem.line else None,
            "title": problem.variable or problem.by,
        }
        lines.append(_command("error", options, f"{_of(problem)}{problem.message}"))
    lines += [_command("notice", {"title": "pvs-bridge"}, each) for each in _remarks(report)]
    return "\n".join([*lines, _escaped(_summary(report))])


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}


def _problem_in_words(problem: Problem) -> list[str]:
    place = f"{problem.place}: " if problem.place else ""
    variable = f"{problem.variable}: " if problem.variable else ""
    text = f"{_of(problem)}{place}{variable}{problem.problem}"
    return ["  " + " ".join(text.split()), "    hint: " + " ".join(problem.hint.split())]


def _of(problem: Problem) -> str:
    """Name the bridges that a problem is of, but for many."""
    names = problem.bridges
    if not names:
        return ""
    shown = ", ".join(names[:_FEW])
    more = len(names) - _FEW
    return f"{shown} and {more} more: " if more > 0 else f"{shown}: "


def _state(report: Report, bridge: Bridge) -> str:
    problems = report.problems_of(bridge.name)
    state = _count(len(problems), "finding") if problems else "fine"
    if bridge.not_rendered:
        return f"{state}, not rendered: {bridge.not_rendered}"
    return f"{state}, {_count(bridge.files, 'file')} for {' and '.join(bridge.backends)}"


def _remarks(report: Report) -> list[str]:
    """Say what was not looked at, and how it can be."""
    remarks = [
        f"Not checked by {each.program} ({_count(each.files, 'file')}): {each.why}; {each.hint}."
        for each in report.not_checked
    ]
    closed: dict[tuple[str, str], list[str]] = {}
    for bridge in report.bridges:
        for each in bridge.sealed:
            closed.setdefault((each.why, each.hint), []).append(f"{bridge.name}'s {each.variable}")
    for (why, hint), variables in list(closed.items())[:_FEW]:
        shown = ", ".join(variables[:_FEW]) + (" ..." if len(variables) > _FEW else "")
        count = _count(len(variables), "value")
        remarks.append(f"Not looked into ({count}): what {why}; {hint}. It is {shown}.")
    if len(closed) > _FEW:
        others = sum(map(len, closed.values())) - sum(map(len, list(closed.values())[:_FEW]))
        remarks.append(f"Not looked into for reasons like these: {_count(others, 'more value')}.")
    return [" ".join(each.split()) for each in (*remarks, *report.notes)]


def _summary(report: Report) -> str:
    files = sum(bridge.files for bridge in report.bridges)
    where = f", {_count(files, 'file')} in {report.output}" if report.output and files else ""
    return (
        f"{report.inventory}: {_count(len(report.bridges), 'bridge')}, "
        f"{_count(len(report.problems), 'finding')}{where}, {report.seconds:.1f} s"
    )


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _element(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, {key: _xml(value) for key, value in attributes.items()})


def _command(command: str, options: dict[str, str | None], message: str) -> str:
    written = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in options.items()
        if value
    )
    return f"::{command} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

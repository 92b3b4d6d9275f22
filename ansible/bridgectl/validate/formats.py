"""Convert a report to text, JSON, JUnit XML and GitHub annotations."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import visible
from bridgectl.validate.report import Bridge, Finding, Report

_JSON_VERSION = 1
# The number of names in a list of the text format.
_FEW = 3
# Characters that XML 1.0 does not allow.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(report: Report) -> str:
    """Convert a report to text for a terminal."""
    lines: list[str] = []
    width = max((len(bridge.name) for bridge in report.bridges), default=0)
    for finding in report.findings_of_all:
        lines += _finding_lines(finding)
    for bridge in report.bridges:
        lines.append(f"{visible(bridge.name):{width}}  {_state(report, bridge)}")
    for finding in report.findings:
        if finding.bridges:
            lines += _finding_lines(finding)
    lines += ["", *_remarks(report)] if _remarks(report) else []
    return "\n".join([*lines, *([""] if lines else []), _summary(report)])


def as_json(report: Report) -> str:
    """Convert a report to JSON, in the form that the README of this folder describes."""
    content = {
        "version": _JSON_VERSION,
        "ok": not report.findings,
        "inventory": report.inventory,
        "output": report.output,
        "seconds": report.seconds,
        "findings": [
            {"by": each.by, **each.issue.as_dict(), "bridges": each.bridges}
            for each in report.findings
        ],
        "bridges": [
            {
                "name": each.name,
                "backends": each.backends,
                "files": each.files,
                "unreadable": [issue.as_dict() for issue in each.unreadable],
                "not_rendered": each.not_rendered,
            }
            for each in report.bridges
        ],
        "not_checked": [
            {
                "program": each.program,
                "problem": each.issue.problem,
                "hint": each.issue.hint,
                "files": each.files,
            }
            for each in report.not_checked
        ],
        "notes": report.notes,
    }
    return json.dumps(content, indent=2)


def as_junit(report: Report) -> str:
    """Convert a report to JUnit XML: a case for the inventory, each bridge and each daemon."""
    suite = ET.Element("testsuite", name="pvs-bridge validate", time=f"{report.seconds:.3f}")
    cases = [("inventory", report.findings_of_all)]
    cases += [(bridge.name, report.findings_of(bridge.name)) for bridge in report.bridges]
    for name, findings in cases:
        case = _element(suite, "testcase", name=name, classname="validate")
        for finding in findings:
            issue = finding.issue
            failure = _element(case, "failure", message=issue.message, type=finding.by)
            failure.text = _xml(str(issue))
    for each in report.not_checked:
        case = _element(suite, "testcase", name=each.program, classname="validate.checkers")
        _element(case, "skipped", message=each.issue.message)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}'


def as_github(report: Report) -> str:
    """Convert a report to GitHub workflow commands, which annotate the lines of a pull request."""
    lines = []
    for finding in report.findings:
        location = finding.location
        options = {
            "file": location.file,
            "line": str(location.line) if location.line else None,
            "title": location.variable or finding.by,
        }
        lines.append(command("error", options, f"{_of(finding)}{finding.issue.message}"))
    lines += [command("notice", {"title": "pvs-bridge"}, each) for each in _remarks(report)]
    return "\n".join([*lines, _escaped(_summary(report))])


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}


def _finding_lines(finding: Finding) -> list[str]:
    issue = finding.issue
    problem = f"{_of(finding)}{issue.located_problem}"
    return [f"  {visible(problem)}", f"    hint: {visible(issue.hint)}"]


def _of(finding: Finding) -> str:
    """Return the names of the affected bridges, shortened if there are many."""
    names = finding.bridges
    if not names:
        return ""
    shown = ", ".join(names[:_FEW])
    more = len(names) - _FEW
    return f"{shown} and {more} more: " if more > 0 else f"{shown}: "


def _state(report: Report, bridge: Bridge) -> str:
    findings = report.findings_of(bridge.name)
    state = _count(len(findings), "finding") if findings else "ok"
    if bridge.not_rendered:
        return f"{state}, not rendered: {bridge.not_rendered}"
    return f"{state}, {_count(bridge.files, 'file')} for {' and '.join(bridge.backends)}"


def _remarks(report: Report) -> list[str]:
    """List what was not checked, and how it can be."""
    remarks = [
        f"Not checked by {each.program} ({_count(each.files, 'file')}): {each.issue.message}."
        for each in report.not_checked
    ]
    unreadable: dict[tuple[str, str], list[str]] = {}
    for bridge in report.bridges:
        for issue in bridge.unreadable:
            variable = f"{bridge.name}'s {issue.location.variable}"
            unreadable.setdefault((issue.problem, issue.hint), []).append(variable)
    for (problem, hint), variables in list(unreadable.items())[:_FEW]:
        shown = ", ".join(variables[:_FEW]) + (" ..." if len(variables) > _FEW else "")
        count = _count(len(variables), "value")
        remarks.append(f"Not checked ({count}): {shown} {problem}; {hint}.")
    if len(unreadable) > _FEW:
        others = sum(map(len, list(unreadable.values())[_FEW:]))
        remarks.append(f"Not checked for similar reasons: {_count(others, 'more value')}.")
    return [visible(each) for each in (*remarks, *report.notes)]


def _summary(report: Report) -> str:
    files = sum(bridge.files for bridge in report.bridges)
    where = f", {_count(files, 'file')} in {report.output}" if report.output and files else ""
    return visible(
        f"{report.inventory}: {_count(len(report.bridges), 'bridge')}, "
        f"{_count(len(report.findings), 'finding')}{where}, {report.seconds:.1f} s"
    )


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _element(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, {key: _xml(value) for key, value in attributes.items()})


def command(name: str, options: dict[str, str | None], message: str) -> str:
    """Write a GitHub workflow command.

    Args:
        name: of the command, such as ``error``.
        options: of the command; those without a value are left out.
        message: its text.
    """
    written = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in options.items()
        if value
    )
    return f"::{name} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

"""A run's gates in the forms that CI servers read: JUnit XML and SARIF, from `result.json` alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree

from adversity.report.words.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["junit", "sarif"]

Record = dict[str, Any]
_NO_XML = re.compile("[\ufffe\uffff]")
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_RULES = {
    "gate": "A gate did not pass",
    "void": "A figure is not to be believed",
    "warning": "Something speaks against a figure",
}
_LEVELS = {"fail": "error", "error": "error", "undecided": "warning", "void": "error"}


def junit(record: Mapping[str, Any]) -> str:
    """Return JUnit XML: a gate is a test case.

    A gate that failed is a failure, one that could not be judged an error, an undecided one is
    skipped; its text begins with the line of the pipeline file that says it. Verdict, what happened,
    and what speaks against figures stand in `system-out`.

    Args:
        record: What `result.json` holds.

    Reference:
        `junit-10.xsd`, by which the xUnit plugin of Jenkins refuses what it does not know: neither
        `skipped` of all suites nor `file` and `line` of a test case.
    """
    gates = record["gates"]
    counts = {name: _count(gates, state) for name, state in _COUNTED.items()}
    run = record.get("provenance") or {}
    more = {"time": f"{run['seconds']:.3f}", "timestamp": run["started"].rstrip("Z")} if run else {}
    totals = {"tests": str(len(gates)), **counts}
    of_all = {name: count for name, count in totals.items() if name != "skipped"}
    suites = ElementTree.Element("testsuites", {"name": "adversity", **of_all})
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": _clean(record["pipeline"]), **totals, **more}
    )
    for gate in gates:
        suite.append(_case(record, gate))
    lines = (record["verdict_line"], *record.get("story", ()), *record["problems"])
    ElementTree.SubElement(suite, "system-out").text = _clean("\n".join(lines))
    ElementTree.indent(suites)
    text: str = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


_COUNTED = {"failures": "fail", "errors": "error", "skipped": "undecided"}
_ELEMENTS = {"fail": "failure", "error": "error", "undecided": "skipped"}


def _count(gates: list[Record], state: str) -> str:
    return str(sum(gate["verdict"] == state for gate in gates))


def _case(record: Mapping[str, Any], gate: Record) -> ElementTree.Element:
    """Return a gate as a test case of its step."""
    where = {
        "classname": _clean(f"{record['pipeline']}.{gate['step']}"),
        "name": _clean(gate["text"]),
    }
    case = ElementTree.Element("testcase", where)
    name = _ELEMENTS.get(gate["verdict"])
    if name is not None:
        said = ElementTree.SubElement(case, name, {"message": _clean(gate["why"])})
        file, line = _place(record, gate["line"])
        said.text = _clean("\n".join(filter(None, (f"{file}:{line}", gate["void"]))))
    return case


def sarif(record: Mapping[str, Any], *, version: str) -> str:
    """Return SARIF 2.1.0: gates that did not pass, void figures and warnings, at their lines.

    Args:
        record: What `result.json` holds.
        version: Of Adversity.
    """
    driver = {
        "name": "adversity",
        "version": version,
        "rules": [
            {"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()
        ],
    }
    document = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(_results(record))}],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _results(record: Mapping[str, Any]) -> Iterator[Record]:
    for gate in record["gates"]:
        if gate["verdict"] != "pass":
            said = f"{gate['text']}: {gate['why']}"
            yield _result("gate", _LEVELS[gate["verdict"]], said, _place(record, gate["line"]))
    for caveat in record["caveats"]:
        level = caveat["level"]
        if level in _RULES:
            place = _place(record, _line_of(record, caveat["step"]))
            said = f"{caveat['step']}: {caveat['text']}" if caveat["step"] else caveat["text"]
            yield _result(level, _LEVELS.get(level, "warning"), said, place)


def _result(rule: str, level: str, said: str, place: tuple[str, int]) -> Record:
    file, line = place
    uri = quote(plain(file).encode("utf-8", errors="backslashreplace"))
    location = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": plain(said)},
        "locations": [{"physicalLocation": location}],
    }


def _line_of(record: Mapping[str, Any], step: str | None) -> str:
    """Return where a step stands in the pipeline file, as `file:line`; empty where it is not found."""
    if step is None:
        return ""
    head = re.compile(rf"\s+[\"']?{re.escape(step)}[\"']?\s*:")
    for number, line in enumerate(record["text"].splitlines(), 1):
        if head.match(line):
            return f"{record['file']}:{number}"
    return ""


def _place(record: Mapping[str, Any], where: str) -> tuple[str, int]:
    """Read `file:line`; without a line, the first one of the pipeline file."""
    file, _, line = where.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (record["file"], 1)


def _clean(text: str) -> str:
    """Return text that XML 1.0 can hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", plain(text))

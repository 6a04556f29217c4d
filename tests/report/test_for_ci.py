"""JUnit XML and SARIF: every gate once, with its verdict, its words and its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from adversity.report import report_json, verdict
from adversity.report.values.model import Caveat
from adversity.report.writers.for_ci import junit, sarif

if TYPE_CHECKING:
    from adversity.report.values.model import Report


def record(report: Report) -> dict[str, Any]:
    """Return what a reader finds in `result.json`."""
    read: dict[str, Any] = json.loads(json.dumps(report_json(report)))
    return read


def gates(report: Report) -> Report:
    """One gate of each verdict, each with a line of its own."""
    states = ("pass", "fail", "undecided", "error")
    made = tuple(
        replace(
            report.gates[0],
            verdict=state,
            text=f"{state}.x >= 1",
            why=f"why {state}",
            line=f"p.yaml:{number}",
            step=f"step_{state}",
            void="masked." if state == "error" else "",
        )
        for number, state in enumerate(states, 11)
    )
    return replace(report, gates=made)


def test_a_gate_is_a_test_case(full_report: Report) -> None:
    """Four gates: one passed, one failure, one skipped, one error, counted in the suite."""
    report = gates(full_report)
    root = ElementTree.fromstring(junit(record(report)))
    (suite,) = root.findall("testsuite")
    counts = {"tests": "4", "failures": "1", "errors": "1"}
    assert root.attrib == {"name": "adversity", **counts}
    assert suite.attrib.items() >= {**counts, "skipped": "1"}.items()
    assert (suite.get("time"), suite.get("timestamp")) == ("192.400", "2026-11-22T13:00:00")
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert list(cases["pass.x >= 1"]) == []
    for name, tag in (("fail", "failure"), ("undecided", "skipped"), ("error", "error")):
        case = cases[f"{name}.x >= 1"]
        assert case.get("classname") == f"photos-under-adversity.step_{name}"
        assert [(child.tag, child.get("message")) for child in case] == [(tag, f"why {name}")]
    assert cases["fail.x >= 1"][0].text == "p.yaml:12"
    assert cases["error.x >= 1"][0].text == "p.yaml:14\nmasked."
    said = suite.findtext("system-out") or ""
    assert said.startswith(verdict(report)[1])
    assert "Attacked." in said


def test_without_gates_there_is_an_empty_suite(bare_report: Report) -> None:
    """No gate and no provenance is valid too, and claims no passed test."""
    root = ElementTree.fromstring(junit(record(bare_report)))
    assert (root.get("tests"), root.find("testsuite/testcase")) == ("0", None)


def test_sarif_says_what_did_not_pass_and_what_is_void(full_report: Report) -> None:
    """Gates that did not pass at their lines, a void figure at its step's; passed ones and notes not."""
    caveats = (
        Caveat("void", "gradients of zero.", "attacked"),
        Caveat("warning", "few samples."),
        Caveat("note", "grey images."),
    )
    document = json.loads(
        sarif(record(replace(gates(full_report), caveats=caveats)), version="7.0")
    )
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("adversity", "7.0")
    found = [
        (
            item["ruleId"],
            item["level"],
            item["message"]["text"],
            item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            item["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for item in run["results"]
    ]
    line = full_report.text.splitlines().index(
        next(row for row in full_report.text.splitlines() if row.startswith("  attacked:"))
    )
    assert found == [
        ("gate", "error", "fail.x >= 1: why fail", "p.yaml", 12),
        ("gate", "warning", "undecided.x >= 1: why undecided", "p.yaml", 13),
        ("gate", "error", "error.x >= 1: why error", "p.yaml", 14),
        ("void", "error", "attacked: gradients of zero.", "pipelines/photos.yaml", line + 1),
        ("warning", "warning", "few samples.", "pipelines/photos.yaml", 1),
    ]
    assert {item["ruleId"] for item in run["results"]} <= {rule["id"] for rule in driver["rules"]}


SCHEMAS = Path(__file__).with_name("schemas")


def kinds(full: Report, bare: Report) -> list[dict[str, Any]]:
    """Runs of every sort: all verdicts and caveats, no gate, text that no schema likes."""
    caveats = tuple(Caveat(level, "why.", step) for level, step in LEVELS)
    first = replace(gates(full).gates[1], text="<a>&\x00", why='"', step="a b", void="\ufffe")
    return [
        record(replace(gates(full), caveats=caveats)),
        record(bare),
        record(replace(full, gates=(first,), file="a folder/ü%.yaml", pipeline="<&>")),
    ]


LEVELS = (("void", "attacked"), ("warning", None), ("note", "attacked"))


def test_junit_is_what_its_schema_says(full_report: Report, bare_report: Report) -> None:
    """The schema by which the xUnit plugin of Jenkins refuses files; it would refuse another one."""
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))
    for made in kinds(full_report, bare_report):
        schema.validate(junit(made))
    assert not schema.is_valid(junit(made).replace("<testcase ", '<testcase line="1" '))


def test_sarif_is_what_its_schema_says(full_report: Report, bare_report: Report) -> None:
    """The schema of the standard; it would refuse a level that there is not."""
    import jsonschema

    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    check = jsonschema.Draft7Validator(schema)
    for made in kinds(full_report, bare_report):
        check.validate(json.loads(sarif(made, version="1.0")))
    assert not check.is_valid(json.loads(sarif(made, version="1.0").replace('"error"', '"bad"')))


def test_a_file_is_a_uri(full_report: Report) -> None:
    """SARIF wants URIs: what a path may hold and they may not is escaped, folders stay."""
    made = record(replace(gates(full_report), file="a folder/ü%.yaml"))
    for gate in made["gates"]:
        gate["line"] = "a folder/ü%.yaml:3"
    [first, *_] = json.loads(sarif(made, version="1"))["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20folder/%C3%BC%25.yaml"
    assert place["region"]["startLine"] == 3


@pytest.mark.parametrize("name", ["a\x00b\x1b[31m", "]]><script>", "\ufffe\u202e", "\ud800"])
def test_hostile_text_leaves_the_documents_whole(full_report: Report, name: str) -> None:
    """What XML and JSON cannot hold is shown in another way, and ends no element."""
    report = gates(full_report)
    first = replace(report.gates[1], text=name, why=name, step=name, void=name)
    made = report_json(replace(report, pipeline=name, gates=(first,)))
    root = ElementTree.fromstring(junit(made).encode())
    assert len(root.findall("testsuite/testcase")) == 1
    assert json.loads(sarif(made, version="1").encode())["runs"][0]["results"]

"""`adversity report` in further forms: a PDF from a browser, JUnit XML and SARIF for CI."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import textwrap
from xml.etree import ElementTree

import pytest

from adversity_flows.cli import pdf

EDITS = [
    ("shard_size: 4}", "shard_size: 4, images: 1}\ngates:\n  - predictions.accuracy >= 0.0"),
]
FILE = "pipelines/shots.yaml"
FAKE = """#!/bin/sh
for word in "$@"; do case "$word" in --print-to-pdf=*) out="${word#--print-to-pdf=}";; esac; done
printf '%s\\n' "$@" > SAID
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a browser of our own on the path, which notes what it is asked; return a maker of it."""

    def made(does):
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "chromium"
        said = tmp_path / "said.txt"
        program.write_text(FAKE.replace("SAID", str(said)) + does, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(pdf, "_BROWSERS", (str(program),))
        return said

    return made


def test_a_page_drawn_again_is_the_same(finished, call):
    """From the drawings that the run kept, and once more without them, which are then kept anew."""
    drawings = finished.root / ".adversity" / "drawings"
    kept = {file.name: file.read_bytes() for file in drawings.iterdir()}
    assert kept
    pages = []
    for name in ("kept.html", "anew.html"):
        assert call("report", FILE, "--output", name).code == 0
        pages.append((finished.root / name).read_bytes())
        assert {file.name: file.read_bytes() for file in drawings.iterdir()} == kept
        shutil.rmtree(drawings)
    assert pages[0] == pages[1]


def test_gates_are_written_for_ci(finished, call):
    """One test case and no result, beside the story; each file is named with its size."""
    answer = call("report", FILE, "--junit", "ci/gates.xml", "--sarif", "gates.sarif")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.partition(" (")[0] for line in lines[-2:]] == ["ci/gates.xml", "gates.sarif"]
    (result,) = (finished.root / "runs").glob("*/result.json")
    story = json.loads(result.read_text(encoding="utf-8"))["story"]
    wrapped = [line for said in story for line in textwrap.wrap(said, 100)]
    assert wrapped
    assert lines[1 : 1 + len(wrapped)] == wrapped
    case = ElementTree.parse("ci/gates.xml").getroot().find("testsuite/testcase")
    assert case is not None
    assert (case.get("classname"), case.get("name")) == (
        "shots.predictions",
        "predictions.accuracy >= 0.0",
    )
    document = json.loads((finished.root / "gates.sarif").read_text(encoding="utf-8"))
    rules = {item["ruleId"] for item in document["runs"][0]["results"]}
    assert rules == {"warning"}, "few samples"


def test_a_page_is_printed_by_the_browser_that_is_there(finished, call, fake):
    """It gets the page of the run and its own profile; what it prints becomes the file."""
    said = fake('printf "%%PDF-1.7 printed" > "$out"\n')
    answer = call("report", FILE, "--pdf", "out/r.pdf")
    assert answer.code == 0
    assert (finished.root / "out/r.pdf").read_bytes() == b"%PDF-1.7 printed"
    asked = said.read_text(encoding="utf-8").splitlines()
    (page,) = (finished.root / "runs").glob("*/report.html")
    assert asked[-1] == page.as_uri()
    assert {"--headless", "--no-pdf-header-footer"} <= set(asked)
    assert answer.out.splitlines()[-1].startswith("out/r.pdf (")


@pytest.mark.parametrize(
    ("does", "words"),
    [("exit 1\n", "got no PDF"), ('echo no > "$out"; echo broken >&2\n', "got no PDF (broken)")],
    ids=["nothing", "no PDF"],
)
def test_a_browser_that_prints_nothing_is_told(finished, call, fake, refused, does, words):
    """Its last line stands in the message, and no file is left."""
    fake(does)
    refused(call("report", FILE, "--pdf", "r.pdf"), words, "print it from there", code=3)
    assert not (finished.root / "r.pdf").exists()


def test_without_a_browser_the_way_to_print_is_told(finished, call, refused, monkeypatch):
    """The message names the page, and that any browser prints it."""
    monkeypatch.setattr(pdf, "_BROWSERS", ("no-such-browser",))
    refused(call("report", FILE, "--pdf", "r.pdf"), "no-such-browser", "report.html", "print it")


def test_a_folder_that_cannot_be_written_to_is_told(finished, call, refused):
    """Where a file of that name stands in the way of a folder."""
    (finished.root / "ci").write_text("", encoding="utf-8")
    refused(call("report", FILE, "--junit", "ci/gates.xml"), "ci/gates.xml", code=3)


@pytest.mark.slow
@pytest.mark.skipif(pdf.browser() is None, reason="no Chromium here")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="nothing here reads a PDF")
def test_the_first_sheet_is_the_summary(finished, call):
    """Verdict, story, gate and one image are on page 1; the sections begin on page 2."""
    assert call("report", FILE, "--pdf", "r.pdf").code == 0

    def text(page):
        ends = ["-f", str(page), "-l", str(page)]
        done = subprocess.run(
            ["pdftotext", *ends, "-layout", "r.pdf", "-"],
            capture_output=True,
            text=True,
            check=True,
        )
        return " ".join(done.stdout.split())

    first = text(1)
    for words in ("PASS: the gate passed", "Answers.", "predictions.accuracy"):
        assert words in first
    assert "How it was run" not in first
    assert "Headline measures" not in first
    assert "Headline measures" in text(2)

"""`adversity table`: which run, which numbers, in which form; without any plugin."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from adversity.report import write_json
from adversity_flows.runs.past_runs import PAGE, RESULT, RunFolder
from synthetic_methods import over_seeds, report_of_methods

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adversity.report.values.model import Report
    from conftest import Answer


@pytest.fixture
def kept(project: Path) -> Callable[[Report], str]:
    """Return a function that leaves a run of a report behind, and returns its id."""

    def keep(report: Report) -> str:
        folder = RunFolder(project, report.pipeline)
        folder.make()
        write_json(report, folder.path / RESULT)
        (folder.path / PAGE).write_text("page")
        return folder.write_manifest({"pipeline": report.pipeline, "state": "done"}).id

    return keep


def test_the_last_run_is_laid_out(call: Callable[..., Answer], kept: Callable[..., str]) -> None:
    """Methods are rows, conditions are columns, the best has its sign and the caption says why."""
    kept(report_of_methods())
    answer = call("table", "--show", "value")
    assert (answer.code, answer.err) == (0, "")
    head, *rows = answer.out.splitlines()
    assert head.split("  ")[0] == "restoration"
    assert rows[1].split() == ["med_ian", "—", "0.800", "★", "0.700", "†"]
    assert "★: better than each other of its column (paired by" in " ".join(answer.out.split())


def test_a_table_too_wide_has_a_block_for_each_column(
    call: Callable[..., Answer], kept: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No interval is cut off, and what has no figure is in no block."""
    monkeypatch.setattr("adversity_flows.cli.terminal.PIPED_WIDTH", 50)
    kept(report_of_methods())
    lines = call("table").out.splitlines()
    assert max(map(len, lines)) <= 50
    heads = [line.split(maxsplit=1)[1] for line in lines if line.startswith("restoration")]
    assert heads == ["no degradation", "severity = 1", "severity = 5"]
    assert sum("[0.750, 0.850] ★" in line for line in lines) == 1


@pytest.mark.parametrize("how", ["id", "folder", "pipeline", "last"])
def test_a_run_is_named_by_id_folder_pipeline_or_last(
    how: str, call: Callable[..., Answer], kept: Callable[..., str], project: Path
) -> None:
    """A pipeline that uses a plugin nobody has is read all the same: only its name is asked for."""
    older, newer = kept(report_of_methods()), kept(over_seeds(report_of_methods()))
    file = project / "pipelines/methods.yaml"
    file.write_text("name: methods\nsteps: {a: {uses: classifier/nobody_has_it}}\n")
    named = {"id": older, "folder": f"runs/{older}", "pipeline": "pipelines/methods.yaml"}
    answer = call("table", named.get(how, how))
    assert answer.code == 0
    assert ("3 seeds" in answer.out) is (how in ("pipeline", "last")), newer


def test_the_end_of_the_name_says_the_form(
    call: Callable[..., Answer], kept: Callable[..., str], project: Path
) -> None:
    """LaTeX says what it needs, Markdown has a rule, CSV has a line for each figure."""
    run = kept(report_of_methods())
    for name in ("a.tex", "a.md", "a.csv"):
        assert call("table", "-o", name).out == f"{name}: run {run}\n"
    tex = (project / "a.tex").read_text(encoding="utf-8")
    assert tex.startswith(
        f"% Adversity, run {run}; needs \\usepackage{{booktabs}}\n\\begin{{table}}"
    )
    assert "| --- | ---: | ---: | ---: |" in (project / "a.md").read_text(encoding="utf-8")
    with (project / "a.csv").open(encoding="utf-8") as file:
        assert [line["step"] for line in csv.DictReader(file)].count("with_1") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "expected a run, or a pipeline file, nothing, got none in"),
        (("--measure", "acuracy"), "did you mean accuracy?"),
        (("--rows", "sevrity"), "did you mean severity?"),
        (("--where", "severity"), "--where: expected NAME=VALUE, as in severity=3, got severity"),
        (("-o", "no/such/folder.csv"), "cannot write no/such/folder.csv"),
        (("pipelines/tiny.yaml",), "run `adversity run pipelines/tiny.yaml`"),
    ],
    ids=["run", "measure", "rows", "where", "file", "pipeline"],
)
def test_wrong_input_is_one_message(
    arguments: tuple[str, ...],
    words: str,
    call: Callable[..., Answer],
    kept: Callable[..., str],
) -> None:
    """It says what was expected and what there is, without a traceback."""
    kept(report_of_methods())
    answer = call("table", *arguments)
    assert answer.code in (2, 3)
    assert words in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_a_damaged_run_is_no_source_of_numbers(
    call: Callable[..., Answer], kept: Callable[..., str], project: Path
) -> None:
    """A figure that was changed by hand is not printed."""
    result = project / "runs" / kept(report_of_methods()) / RESULT
    record = json.loads(result.read_text(encoding="utf-8"))
    record["steps"][0]["cells"][0]["measures"]["accuracy"]["value"] = 0.99
    result.write_text(json.dumps(record))
    answer = call("table")
    assert answer.code != 0
    assert "is damaged" in answer.err


def test_reading_a_table_needs_no_plugin(
    kept: Callable[..., str], project: Path, child_environment: dict[str, str]
) -> None:
    """Neither torch nor a plugin, Prefect or DVC is imported for it."""
    kept(report_of_methods())
    code = (
        "import sys; from adversity_flows.cli import main; main(['table'])\n"
        "loaded = {'torch', 'adversity_plugins', 'prefect', 'dvc', 'altair'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project, env=child_environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "med_ian" in done.stdout

"""Tables of methods against conditions: what is chosen, marked, refused and written."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.errors import InputError
from adversity.report.sections.methods import differences_section, methods_section
from adversity.report.tables.choice import Choice, Results, ResultTable
from adversity.report.tables.figures import figures
from adversity.report.tables.heads import label_of, said_twice
from adversity.report.tables.read_back import read_back
from adversity.report.tables.written import as_csv, as_latex, as_markdown, caption, fitting
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, DataSummary
from adversity.report.words.reading import matching
from adversity.report.writers.record import report_json
from synthetic_methods import over_seeds, report_of_methods, share, voided

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.report.values.model import Report


def table(choice: Choice | None = None, report: Report | None = None) -> ResultTable:
    """The one table of a choice."""
    [found] = Results(report or report_of_methods()).tables(choice or Choice())
    return found


def test_methods_are_rows_and_conditions_are_columns() -> None:
    """What is the same everywhere stands in the caption, the clean column comes first."""
    found = table()
    assert (found.heads, found.title) == (("restoration",), "Accuracy")
    assert found.rows == (("none",), ("med_ian",), ("<b>&5%",))
    assert found.columns == ("no degradation", "severity = 1", "severity = 5")
    values = [[entry and entry.figure.mean.value for entry in row] for row in found.entries]
    assert values == [[0.9, 0.7, 0.4], [None, 0.8, 0.7], [None, 0.6, 0.68]]
    assert found.fixed["degradation"] == "noise"


def test_the_best_is_marked_only_where_the_differences_say_so() -> None:
    """Alone it has no mark, told apart from all it is the best, else all in reach are tied."""
    marks = [[entry.mark if entry else None for entry in row] for row in table().entries]
    assert marks == [["", "", ""], [None, "best", "tied"], [None, "", "tied"]]


def test_a_higher_mean_alone_is_no_mark() -> None:
    """Without paired differences nothing is bold."""
    report = replace(report_of_methods(), compared=replace(report_of_methods().compared, pairs=()))
    assert {entry.mark for entry in table(report=report).shown} == {""}


def test_what_is_void_says_so_and_wins_nothing() -> None:
    """The best of what is believed is marked; `void` stands before the figure."""
    found = table(report=voided(report_of_methods()))
    entry = found.entries[1][1]
    assert entry is not None
    assert (entry.void, entry.mark) == ("with_1 cheated.", "")
    left = found.entries[0][1]
    assert left is not None
    assert left.mark == "best"
    assert "| void 0.800 " in as_markdown(found, "interval")


def test_a_measure_for_which_less_is_better_turns_the_order_round() -> None:
    """No pairs of ECE were compared: no marks, whatever the order."""
    found = table(Choice(measures=("ece",)))
    assert {entry.mark for entry in found.shown} == {""}
    assert "4.0 %" in as_markdown(found, "value")


def test_measures_may_be_columns() -> None:
    """Accuracy and ECE of one severity side by side."""
    choice = Choice(("accuracy", "ece"), columns=("measure",), where={"severity": "5.0"})
    found = table(choice)
    assert found.columns == ("accuracy", "ECE")
    assert [len(row) for row in found.entries] == [2, 2, 2]


def test_conditions_may_be_rows() -> None:
    """Then no column holds two methods, and nothing is marked."""
    found = table(Choice(rows=("severity",), where={"degradation": "noise"}))
    assert found.rows == (("1",), ("5",))
    assert found.columns == ("no restoration", "med_ian", "<b>&5%")
    assert {entry.mark for entry in found.shown} == {""}


def test_a_variable_of_plugins_is_not_said_twice() -> None:
    """`snow, severity = 1`, not `snow, snow, ...`; what differs in one column stays."""
    across = ("degradation", "corruption", "severity")
    columns = [("none", "none", "none"), ("snow", "snow", "1"), ("fog", "fog", "2")]
    facets = [dict(zip(across, values, strict=True)) for values in columns]
    twice = said_twice(facets, across)
    heads = [label_of(across, values, twice) for values in columns]
    assert heads == ["no degradation", "snow, severity = 1", "fog, severity = 2"]
    facets.append({"degradation": "snow", "corruption": "fog", "severity": "1"})
    assert said_twice(facets, across) == set()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (
            Choice(measures=("acuracy",)),
            "expected a measure of this run, got acuracy; did you mean",
        ),
        (Choice(rows=("sevrity",)), "got sevrity; did you mean severity"),
        (Choice(where={"severity": "2"}), "got 2; there are 1, 5, none"),
        (
            Choice(rows=("restoration",), columns=("degradation",)),
            r"leave open severity \(1, 5\); add severity to --rows or --columns",
        ),
    ],
    ids=["measure", "facet", "value", "open"],
)
def test_what_cannot_be_chosen_is_said(choice: Choice, words: str) -> None:
    """Each refusal names what there is, or what to do."""
    with pytest.raises(InputError, match=words):
        Results(report_of_methods()).tables(choice)


def test_spread_is_shown_where_there_are_seeds() -> None:
    """And intervals where there are none; the caption says which, over how many, of how many."""
    plain, seeds = table(), table(report=over_seeds(report_of_methods()))
    assert (fitting([plain]), fitting([seeds])) == ("interval", "spread")
    assert "0.700 ± 0.012" in as_markdown(seeds, "spread")
    assert "mean ± standard deviation over 3 seeds, n = 200." in caption(seeds, "spread")
    assert "value and 95 % interval, n = 200." in caption(plain, "interval")
    assert "Holm's correction for 6 comparisons, 5 %" in caption(plain, "interval")


def test_latex_is_escaped_and_bold_only_at_the_best() -> None:
    r"""No name breaks the table: `&`, `%`, `_`, and `[` after the end of a row."""
    text = as_latex(table(), "interval")
    assert r"\textless{}b\textgreater{}\&5\% & " in text
    assert r"med\_ian & --- & \textbf{0.800} {\small {[}0.750, 0.850{]}} & 0.700 " in text
    assert text.count(r"\textbf") == 1
    assert r"0.700 {\small {[}0.650, 0.750{]}}$^\dagger$ \\" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"\begin{tabular}{lrrr}" in text


def test_markdown_is_escaped() -> None:
    """A name cannot begin a tag or another column."""
    text = as_markdown(table(), "value")
    assert r"\<b\>\&5%" in text
    assert "**0.800**" in text


def test_csv_has_numbers_as_numbers() -> None:
    """A line a figure: shares in [0, 1], severities without quotes, what there is not is empty."""
    lines = list(csv.DictReader(io.StringIO(as_csv([table(Choice(measures=("ece",)))]))))
    assert len(lines) == 7
    first = lines[1]
    assert float(first["value"]) == pytest.approx(0.07, abs=1e-12)
    assert (first["severity"], first["n"], first["seeds"]) == ("1", "200", "1")
    assert (first["restoration"], first["spread"], first["void"]) == ("none", "", "")
    assert lines[0]["severity"] == ""


@pytest.mark.parametrize(
    "change", [lambda r: r, over_seeds, voided], ids=["plain", "seeds", "void"]
)
def test_tables_need_the_json_alone(change: Callable[[Report], Report]) -> None:
    """What is read back makes the same tables as the report itself: no plugin is asked."""
    report = change(report_of_methods())
    again = read_back(json.loads(json.dumps(report_json(report))), where="x")
    assert Results(again).tables(Choice()) == Results(report).tables(Choice())
    assert again.compared == report.compared


@pytest.mark.parametrize(
    ("facts", "named", "revision"),
    [
        ({"revision": "v1", "version": "git:0123456789abcdef"}, "at v1 (0123456789)", "v1"),
        ({}, f"({'ab' * 5})", ""),
    ],
    ids=["at a revision", "on the disk"],
)
def test_each_figure_has_the_version_of_its_data(
    facts: dict[str, str], named: str, revision: str
) -> None:
    """The caption names it, and each line of CSV has the revision and the content."""
    plain = report_of_methods()
    name = plain.steps[-1].data
    data = DataSummary(str(name), "dataset/folder", 200, 2, facts=facts, content="ab" * 32)
    report = replace(plain, data=(data, replace(data, id="unread", content="cd" * 32)))
    found = table(report=read_back(json.loads(json.dumps(report_json(report))), where="x"))
    assert caption(found, "value").endswith(f" Data: {name} {named}.")
    lines = list(csv.DictReader(io.StringIO(as_csv([found]))))
    assert {line["data_revision"] for line in lines} == {revision}
    assert {line["data_content"] for line in lines} == {"ab" * 32}


def test_json_of_an_earlier_version_is_refused() -> None:
    """It says nothing of methods: the message says what to do."""
    record = report_json(report_of_methods())
    del record["compared"]
    with pytest.raises(InputError, match=r"runs/1/result\.json: .* run the pipeline again"):
        read_back(record, where="runs/1/result.json")


def test_the_section_says_the_same_as_the_table() -> None:
    """Marks have signs of their own, since a page has no bold in a table."""
    section = methods_section(report_of_methods())
    assert section is not None
    [block] = section.blocks
    assert isinstance(block, Table)
    assert block.sortable
    assert block.rows[1] == ("med_ian", "—", "0.800 [0.750, 0.850] ★", "0.700 [0.650, 0.750] †")
    assert "★: better than each other of its column" in block.caption


def test_the_differences_are_sorted_by_how_sure_they_are() -> None:
    """The surest first, with how many are told apart."""
    section = differences_section(report_of_methods())
    assert section is not None
    assert section.folded
    [block] = section.blocks
    assert isinstance(block, Table)
    assert "5 differences of 6 told apart at 5 %" in block.caption
    assert [row[-1] for row in block.rows] == ["0.0001", "0.0001", "0.0002", "0.001", "0.04", "0.6"]


def test_one_method_needs_no_section() -> None:
    """There is nothing to lay side by side."""
    report = report_of_methods()
    assert methods_section(replace(report, steps=report.steps[:1])) is None
    bare = replace(report, compared=replace(report.compared, pairs=()))
    assert differences_section(bare) is None


def test_a_cell_meets_the_one_of_its_seed_and_a_mean_the_mean() -> None:
    """A sentence on one seed must not speak of the mean, nor one on the mean of a seed."""
    cells = tuple(
        CellResult({"severity": "1", "seed": seed}, 200, {"accuracy": share(value)})
        for seed, value in (("0", 0.4), ("1", 0.6))
    )
    mean = CellResult({"severity": "1"}, 200, {"accuracy": share(0.5)})
    first = replace(report_of_methods().steps[0], cells=cells, over_seeds=(mean,))
    assert matching(first, {"severity": "1", "seed": "1"}) is cells[1]
    assert matching(first, {"severity": "1"}) is mean
    assert matching(first, {"severity": "2"}) is None


def test_a_step_for_each_of_several_scores_repeats_no_accuracy(full_report: Report) -> None:
    """Each of its cells says what the answers said that it scores; what it changed stands."""
    clean = next(step for step in full_report.steps if step.id == "clean")
    clean = replace(clean, method={"classifier": "net"}, condition={"data": "photos"})
    scores = replace(
        clean,
        id="doubts",
        kind="uncertainty",
        source=("clean",),
        cells=tuple(replace(clean.cells[0], cell={"score": name}) for name in ("margin", "energy")),
    )
    told = figures((clean, scores), {})
    assert {figure.step for figure in told} == {"clean"}
    changed = {
        **clean.cells[0].measures,
        "ece": replace(clean.cells[0].measures["ece"], value=0.01),
    }
    better = replace(scores, cells=(scores.cells[0], replace(scores.cells[1], measures=changed)))
    own = [figure.measure for figure in figures((clean, better), {}) if figure.step == "doubts"]
    assert own == ["ece", "ece"], "where one cell differs, all of them are compared"

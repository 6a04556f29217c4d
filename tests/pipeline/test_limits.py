"""Memory, time and the length of messages are bounded before a file can cost them."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.plan.matrix import count, expand
from adversity.pipeline.read.reader import MAX_BYTES, MAX_PARTS, parse

NUMBERS = ", ".join(str(value) for value in range(1, 61))
BUDGETS = ", ".join(f"{value}/255" for value in range(1, 61))


def cubed(pipeline_text: str) -> str:
    """Return the toy pipeline, its attack over three further variables of 60 values."""
    more = f"eps: [{BUDGETS}]\n  steps: [{NUMBERS}]\n  goal: [{NUMBERS}]"
    text = pipeline_text.replace("eps: [4/255, 8/255, 0.10]", more)
    return text.replace("steps: 3", "steps: $steps\n      target: $goal")


def test_cells_are_counted_before_one_is_made(plan, pipeline_text):
    """2 x 60 x 60 x 60 cells are refused with the figures and the way to raise the limit, in 20 MB."""
    tracemalloc.start()
    with pytest.raises(PipelineError) as caught:
        plan(cubed(pipeline_text))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (finding,) = (text for text in caught.value.findings if "cells" in text)
    assert (
        "the matrix gives attacked 432,000 cells (severity 2 x eps 60 x steps 60 x goal 60)"
        in finding
    )
    assert "expected at most run.max_cells = 10,000 over all steps" in finding
    assert finding.startswith("pipelines/toy.yaml:")
    assert peak < 20e6  # half as many cells took 489 MB; the file itself is 2 kB
    assert all(len(text) < 400 for text in caught.value.findings)


@pytest.mark.parametrize(("limit", "right"), [(19, True), (18, False)])
def test_the_limit_counts_all_steps_and_can_be_moved(plan, pipeline_text, limit, right):
    """The toy pipeline has 1 + 2 + 2 + 1 + 2 + 1 + 2 + 2 + 6 = 19 cells; the limit is exact."""
    text = pipeline_text + f"run: {{max_cells: {limit}}}\n"
    if right:
        assert sum(len(step.cells) for step in plan(text).steps.values()) == limit
        return
    with pytest.raises(PipelineError, match=f"run.max_cells = {limit} over all steps"):
        plan(text)


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b"), ("a", "b", "c")])
def test_the_count_is_that_of_the_cells(names):
    """What is counted is what would be made."""
    matrix = {"a": ["1", "2"], "b": ["1", "2", "3"], "c": ["x"]}
    assert count(matrix, names) == len(expand(matrix, names))


@pytest.mark.parametrize(
    "text",
    [
        "same: 1\n" * 2_000,
        "".join(f"k{i}: &a{i} 1\n" for i in range(9_000)),
        "a: [" + "1, " * 300_000 + "1]",
        "".join(f"k{i}: 1\n" for i in range(100_000)),
        "a: " + "[" * 100_000,
        "? [a]\n: 1\n" * 5_000,
        'a: "' + "\\x07" * 20_000 + '"',
        "".join(f'k{i}: "\\x07"\n' for i in range(5_000)),
    ],
    ids=["same keys", "anchors", "list", "keys", "nesting", "odd keys", "control", "controls"],
)
def test_a_message_has_a_length_whatever_the_file_holds(text):
    """Nothing that fits into a file makes more than a screen of findings, each of a few lines."""
    assert len(text) <= MAX_BYTES
    with pytest.raises(PipelineError) as caught:
        parse(text, "x.yaml")
    assert len(caught.value.findings) <= 51
    assert all(len(finding) < 1_000 for finding in caught.value.findings)


def test_repeated_keys_say_where_the_first_one_is():
    """Three times one name: both later lines name the first, not the one before."""
    with pytest.raises(PipelineError) as caught:
        parse("a: 1\na: 2\na: 3\n", "x.yaml")
    assert caught.value.findings == (
        "x.yaml:2: a is given twice, first in line 1; keep one",
        "x.yaml:3: a is given twice, first in line 1; keep one",
    )


def test_as_many_values_as_are_allowed_are_read():
    """A file at the limit is read whole: the events of a list are two for each level and one a value."""
    values = MAX_PARTS - 8
    assert parse("[" + "1," * (values - 1) + "1]", "x.yaml").tree == [1] * values


def test_more_findings_than_anyone_reads_are_cut(load, pipeline_text):
    """Two thousand unknown keys are 50 findings, and that there is more, also in another process."""
    keys = "".join(f"key_{i}: 1\n" for i in range(2_000))
    with pytest.raises(PipelineError) as caught:
        load(pipeline_text + keys)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert len(error.findings) == 50
        assert error.more
        assert str(error).endswith("there is more; these were found first")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("uses: classifier/tiny", "uses: classifier/{long}"),
        ("uses: classifier/tiny", "uses: {long}/tiny"),
        ("uses: classifier/tiny", "uses: {long}"),
        ("from: dark}", "from: {long}}"),
        ("norm: linf", "norm: {long}"),
        ("eps: $eps ", "{long}: $eps "),
        ("eps: $eps ", "eps: ${long} "),
        ("severity: [1, 3]", "severity: [1, {long}]"),
        ("severity: [1, 3]", "{long}: [1, 3]"),
        ("- lower predictions", "- {long} predictions"),
        ("timezone: UTC", "timezone: {long}"),
        ("name: toy-under-attack", "name: {long}"),
        ('cron: "0 2 * * *"', "cron: {long}"),
        ("seed: 7", "{long}: 7"),
    ],
)
def test_what_the_user_gave_is_repeated_cut(plan, pipeline_text, old, new):
    """70 000 letters in any place of a file come back as some of them and their number."""
    assert old in pipeline_text
    text = pipeline_text.replace(old, new.replace("{long}", "q" * 70_000))
    with pytest.raises(PipelineError) as caught:
        plan(text)
    assert all(len(finding) < 1_200 for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: &x {c: 1}\n", 2),
        ("a: 1\n\nb: *x\n", 3),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 1),
        ("a:\n  <<: {b: 1}\n", 2),
        ("path: *.png\n", 1),
    ],
)
def test_anchors_and_merge_keys_say_what_replaces_them(text, line):
    """The line, the matrix and the step that does what an anchor was to do."""
    with pytest.raises(PipelineError) as caught:
        parse(text, "x.yaml")
    message = caught.value.findings[0]
    assert message.startswith(f"x.yaml:{line}: ")
    assert "write uses: net" in message
    assert "under matrix: and write $name" in message

"""Loading: good files as written, bad ones with every problem and its line, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.read.load import load_pipeline
from adversity.pipeline.read.reader import MAX_BYTES, MAX_DEPTH


def _findings(load, text, *overrides):
    with pytest.raises(PipelineError) as caught:
        load(text, *overrides)
    return caught.value.findings


def test_a_good_file_is_read_as_written(load, pipeline_text):
    """Values, the lines of keys, and matrix values as they stand in the file."""
    loaded = load()
    assert loaded.file == "pipelines/toy.yaml"
    assert loaded.text == pipeline_text
    assert loaded.positions["steps", "attacked", "with", "eps"] == 24
    assert loaded.positions["matrix", "eps", 1] == 8
    assert loaded.labels("eps") == ("4/255", "8/255", "0.10")
    assert loaded.spec.steps["dark"].source == ("photos",)
    assert loaded.spec.run.shard_size == 256


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("where", "ours", "theirs"),
    [
        ("seed: 7\n", "seed: 7\n", "seed: 8\n"),
        ("  net: ", "  net: {uses: classifier/tiny}\n", "  net: {uses: classifier/other}\n"),
        ("    with:\n", "    from: dark\n", "    from: enhanced\n"),
        ("gates:\n", "gates:\n", "gates: []\n"),
    ],
    ids=["a key", "a step", "inside a step", "gates"],
)
def test_a_merge_conflict_is_named_with_its_first_line(
    load, pipeline_text, where, ours, theirs, end
):
    """Wherever git left it, it is one finding that says so and not a riddle of YAML."""
    before, found, after = pipeline_text.partition(where)
    assert found
    conflict = f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> theirs\n"
    text = (before + conflict + found + after).replace("\n", end)
    line = before.count("\n") + 1
    (finding,) = _findings(load, text)
    assert finding.endswith(f":{line}: expected YAML, got a merge conflict; keep one side of it")


def test_scalars_follow_yaml_1_2_as_dvc_reads_them(load, pipeline_text):
    """`no` is text and 1e-3 a number: PyYAML's own rules would say otherwise."""
    text = pipeline_text.replace("norm: linf", "norm: no").replace("steps: 3", "steps: 1e-3")
    parameters = load(text).spec.steps["attacked"].parameters
    assert parameters["norm"] == "no"
    assert parameters["steps"] == 1e-3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seed: 7", "sead: 7", ":2: unknown key sead; did you mean seed?"),
        ("from: dark}", "form: dark}", ":11: unknown key steps.enhanced.form; did you mean from?"),
        (
            "{centre_crop: 8}",
            "{center_crop: 8}",
            ":4: unknown key data.photos.prepare.center_crop; did you mean centre_crop?",
        ),
        ("seed: 7", "seed: yes", ":2: seed must be an integer, got 'yes'"),
        ("seed: 7", "seed: true", ":2: seed must be an integer, got True"),
        (
            "seed: 7",
            "seed: 7\nrun: {limits: {net: {memory: 8}}}",
            ":3: run.limits.net.memory must be a size with its unit such as 500MB or 8GiB, got 8",
        ),
        (
            "seed: 7",
            "seed: 7\nrun: {limits: {net: {time: 90s}}}",
            ":3: run.limits.net.time must be a number of minutes, hours or days such as 30m",
        ),
        (
            "seed: 7",
            "seed: 7\nrun: {limits: {net: {}}}",
            ":3: run.limits.net must have time (30m), memory (8GiB) or both, got neither",
        ),
        ("seed: 7", "seed: -1", ":2: seed must be greater than or equal to 0, got -1"),
        (
            "name: toy-under-attack",
            "name: Toy_Attack",
            ":1: name must be kebab-case such as digits-under-attack, got 'Toy_Attack'",
        ),
        ("{uses: classifier/tiny}", "{}", ":12: steps.net.uses is missing"),
        (
            "{uses: classifier/tiny}",
            "",
            ":12: steps.net must be a mapping, got nothing; write its entries as `name: value`",
        ),
        (
            "severity: [1, 3]",
            "severity: 3",
            ":7: matrix.severity must be a list, got 3; write its entries as [..., ...]",
        ),
        (
            "from: dark}",
            "from: 3}",
            ":11: steps.enhanced.from must be the name of a step or data set, or a list of such",
        ),
        ("severity: [1, 3]", "severity: []", ":7: matrix.severity must have at least one entry"),
        ("[1, 3]", "[1, 1]", ":7: matrix.severity.1: 1 is given twice in 1, 1"),
        (
            "[1, 3]",
            "[1, 'a b']",
            (
                ":7: matrix.severity.1: a matrix value must not be empty or hold spaces or any of "
                ", = [ ] $, got 'a b'"
            ),
        ),
        (
            "severity: $severity",
            "severity: $severty",
            (
                ":10: steps.dark.with.severity: matrix variable $severty is not declared under matrix:; "
                "did you mean severity?"
            ),
        ),
        (
            "severity: $severity",
            "severity: ${severity}",
            ":10: ${...} is refused: it breaks `dvc exp run -S`; write a matrix variable as $name",
        ),
        (
            "eps: $eps ",
            "eps: ${eps} ",
            ":24: steps.attacked.with.eps: ${...} is refused: it breaks `dvc exp run -S`",
        ),
        (
            "severity: $severity",
            "severity: a$severity",
            (
                ":10: steps.dark.with.severity: a matrix variable must be the whole value, "
                "got 'a$severity'"
            ),
        ),
        (
            "from: dark}",
            "from: $eps}",
            (
                ":11: steps.enhanced.from: a matrix variable may stand only in with:, uses: or bootstrap: of a step, or in rev: of data, "
                "got '$eps'"
            ),
        ),
        (
            "severity: $severity",
            "severity: 3",
            ":7: matrix variable severity is used nowhere; write $severity in a with:, a uses:, a bootstrap: or a rev:, or drop it",
        ),
        (
            "  dark: ",
            "  report: {uses: net, from: photos}\n  dark: ",
            ":10: report is the name of the last step, which is always there; rename it",
        ),
        (
            "  dark: ",
            "  photos: {uses: net, from: photos}\n  dark: ",
            ":10: photos is also the name of a data set; rename one",
        ),
        (
            "  net: ",
            "  Net: ",
            ":12: steps.Net must be snake_case such as dark_predictions, got 'Net'",
        ),
        (
            "  net: ",
            "  dark: ",
            ":12: steps.dark is given twice, first in line 10; keep one",
        ),
        (
            "fit_on: held_predictions",
            "over: {eps: 1}",
            ":16: steps.confidence.over must be a list, got {'eps': 1}",
        ),
        ("0 2 * * *", "0 24 * * *", ":29: schedule.cron hour must be 0 to 23, got '24'"),
        (
            "timezone: UTC",
            "timezone: Warsaw",
            (
                ":29: schedule.timezone must be an IANA time zone such as Europe/Warsaw or UTC, "
                "got 'Warsaw'"
            ),
        ),
        ("  net: ", "\tnet: ", ":12: a tab where YAML needs spaces; indent with two spaces"),
        ("{uses: classifier/tiny}", "{uses: classifier/tiny", ":13: this is not YAML"),
        (
            "uses: classifier/tiny",
            "uses: &a classifier/tiny",
            ":12: anchors, aliases and merge keys (&, *, <<)",
        ),
        ("uses: classifier/tiny", "uses: !!python/name:os.system x", ":12: tags (!) are refused"),
        ("seed: 7", "seed: 7\n---\n", ":3: expected one YAML document, got a second one (---)"),
        ("seed: 7", "? [a]\n: 7", ":2: expected a name as key, got a list or mapping"),
    ],
)
def test_each_mistake_has_its_line_and_its_message(load, pipeline_text, old, new, expected):
    """One mistake, one line that says where, what was expected and what came."""
    assert old in pipeline_text
    found = _findings(load, pipeline_text.replace(old, new, 1))
    assert any(text.startswith(f"pipelines/toy.yaml{expected}") for text in found), found


def test_all_mistakes_are_said_at_once_in_order(load, pipeline_text):
    """Mistakes in different parts are one error with all findings by line."""
    text = pipeline_text.replace("seed: 7", "sead: 7").replace("from: dark}", "form: dark}")
    text = text.replace("[1, 3]", "3")
    assert [found.split(":")[1] for found in _findings(load, text)] == ["2", "7", "11"]


def test_bombs_are_refused_before_anything_is_built(load):
    """Deep nesting, large files, huge numbers and bytes that are no text end in one message."""
    assert "levels of nesting" in _findings(load, "a: " + "[" * (MAX_DEPTH + 1))[0]
    assert "levels of nesting" in _findings(load, "[" * 50_000)[0]
    assert "at most 1 MiB" in _findings(load, "#" * (MAX_BYTES + 1))[0]
    assert "too long to read" in _findings(load, f"seed: {'9' * 5000}")[0]
    assert "does not allow" in _findings(load, "name: a\x00b")[0]


def test_files_that_are_no_pipeline_are_refused(load, project):
    """Empty files, lists, folders, files that are not there, and bytes that are not UTF-8."""
    assert _findings(load, "") == (
        "pipelines/toy.yaml:1: expected a mapping with name, data and steps, got nothing",
    )
    assert "got [1]" in _findings(load, "[1]")[0]
    (project / "pipelines" / "toy.yaml").write_bytes(b"name: a\nseed: \xff")
    for name, expected in (
        ("pipelines", "pipelines: expected a pipeline file, got a folder"),
        ("pipelines/tay.yaml", "pipelines/tay.yaml: there is no such file; did you mean toy.yaml?"),
        (
            "pipelines/toy.yaml",
            "pipelines/toy.yaml:2: expected UTF-8 text, got the byte 0xff; save the file as UTF-8",
        ),
        ("a\x00b", "'a\\x00b' is not a usable path: embedded null byte"),
    ):
        with pytest.raises(PipelineError) as caught:
            load_pipeline(Path(name), root=project)
        assert str(caught.value) == expected


def test_a_file_outside_the_project_is_refused(project, pipeline_text):
    """`..`, an absolute path and a link that leads out are all refused."""
    outside = project.parent / f"{project.name}-outside.yaml"
    outside.write_text(pipeline_text, encoding="utf-8")
    (project / "linked.yaml").symlink_to(outside)
    for path in (outside, Path("..") / outside.name, Path("linked.yaml")):
        with pytest.raises(PipelineError, match="must lie in the project"):
            load_pipeline(path, root=project)

"""Overrides: values on top of a file, equal to editing it."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adversity.errors import PipelineError, StorageError
from adversity.pipeline.read.edit import edited, set_value
from adversity.pipeline.read.load import load_pipeline

_NEW = {
    "steps.attacked.with.steps": ["5", "$eps", "2/3", "1e-2", "[1, $eps]", "0.10"],
    "steps.attacked.with.target": ["random", "{a: [b, 'c d']}", '"no"', "-1"],
    "steps.enhanced.with.gain": ["3", "$severity"],
    "steps.enhanced.with": ["{gain: 3}"],
    "matrix.severity": ["[2]", "[0.10, 5, a/b]"],
    "matrix.severity.1": ["5", "0.50"],
    "seed": ["8"],
    "run.workers": ["3"],
    "run": ["{retries: 2, workers: 3}"],
    "data.photos.prepare.resize_short": ["10"],
    "name": ["other-name"],
    "metrics": ["[metric/psnr, {uses: metric/ece, with: {bins: 3}}]"],
    "gates": ["[]", "['spread.x >= 1']"],
    "licences.deny": ["[GPL-*]"],
    "licences.allow_unknown": ["true"],
}
_OVERRIDES = st.sampled_from([(key, value) for key, values in _NEW.items() for value in values])


def test_overrides_are_used_and_the_file_stays(load, pipeline_text):
    """A value set from outside counts; text and positions are the file's."""
    loaded = load(pipeline_text, "steps.attacked.with.steps=5", "run.workers=2")
    assert loaded.spec.steps["attacked"].parameters["steps"] == 5
    assert loaded.spec.run.workers == 2
    assert loaded.text == pipeline_text
    assert loaded.overridden["run", "workers"] == "run.workers=2"


def test_complaints_about_an_override_name_it(refuse, pipeline_text):
    """A wrong value from outside is not blamed on a line of the file."""
    assert refuse(pipeline_text, "steps.attacked.with.steps=0") == (
        (
            '--set steps.attacked.with.steps=0: attack "push" (toys 1.2): '
            "steps must be greater than or equal to 1, got 0"
        ),
    )


def test_matrix_values_from_outside_keep_their_text(load, pipeline_text):
    """Labels are what was typed, fractions and trailing zeros too."""
    assert load(pipeline_text, "matrix.eps=[2/255, 0.50]").labels("eps") == ("2/255", "0.50")
    assert load(pipeline_text, "matrix.eps.0=1/255").labels("eps") == ("1/255", "8/255", "0.10")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("steps.atacked.with.eps=1", "there is no atacked in steps; did you mean attacked?"),
        ("steps.attacked.wth.eps=1", "there is no wth in steps.attacked; did you mean with?"),
        ("stepz.attacked=1", "there is no stepz; did you mean steps?"),
        ("seed.x=1", "seed is a value, so it has no x; set seed"),
        ("matrix.eps.3=1", "matrix.eps is a list; expected a position 0 to 2, got 3"),
        ("matrix.epz=[1]", "there is no epz in matrix; did you mean eps?"),
        ("seed", "expected KEY=VALUE such as steps.attacked.with.eps=2/255, got 'seed'"),
        ("seed=", "expected KEY=VALUE such as steps.attacked.with.eps=2/255, got 'seed='"),
        ("steps..with=1", "expected KEY=VALUE such as steps.attacked.with.eps=2/255"),
        ("seed=!!python/name:os.system x", "tags (!) are refused; write the plain value"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(load, pipeline_text, override, expected):
    """The message begins with the override and suggests the nearest name."""
    with pytest.raises(PipelineError) as caught:
        load(pipeline_text, override)
    assert str(caught.value).startswith(f"--set {override}:")
    assert expected in str(caught.value)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(override=_OVERRIDES)
def test_an_override_equals_editing_the_file(pipeline_text, override):
    """Loading with an override and loading the edited file give the same values and labels."""
    key, value = override
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_text(pipeline_text, encoding="utf-8")
        outcomes = []
        for edited in (False, True):
            overrides = [] if edited else [f"{key}={value}"]
            if edited:
                set_value(path, key, value)
            try:
                loaded = load_pipeline(path, root=Path(folder), overrides=overrides)
            except PipelineError as error:
                outcomes.append([text.split(": ", 1)[1] for text in error.findings])
            else:
                labels = [loaded.labels(name) for name in loaded.spec.matrix]
                outcomes.append([loaded.spec, labels])
        assert outcomes[0] == outcomes[1]
        assert "# the expensive one" in path.read_text(encoding="utf-8")


def test_editing_a_value_changes_nothing_else(project, pipeline_text):
    """One value is replaced where it stands: layout, comments and other lines stay."""
    path = project / "pipelines" / "toy.yaml"
    set_value(path, "steps.attacked.with.eps", "2/255")
    assert path.read_text(encoding="utf-8") == pipeline_text.replace("eps: $eps ", "eps: 2/255 ")
    set_value(path, "seed", "9")
    assert path.read_text(encoding="utf-8").startswith("name: toy-under-attack\nseed: 9\ndata:")
    assert [p.name for p in path.parent.iterdir()] == ["toy.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"seed: 0\r\nb: 1\r\n", b"seed: 7\r\nb: 1\r\n"),
        (b"\xef\xbb\xbfseed: 0\r\nb: 1", b"\xef\xbb\xbfseed: 7\r\nb: 1"),
        (b"a: 1\nseed: 0\r\nb: 1\n", b"a: 1\nseed: 7\r\nb: 1\n"),
        (b"b: 1\r\n", b"b: 1\r\nseed: 7\r\n"),
        (b"b: 1\n", b"b: 1\nseed: 7\n"),
        (b"seed: 0", b"seed: 7"),
    ],
    ids=["crlf", "byte order mark", "mixed", "a new key", "lf", "no line end"],
)
def test_editing_keeps_line_ends_and_the_byte_order_mark(tmp_path, before, after):
    """Only the value changes in the file's bytes, whatever editor wrote it."""
    path = tmp_path / "p.yaml"
    path.write_bytes(before)
    path.chmod(0o640)
    set_value(path, "seed", "7")
    assert path.read_bytes() == after
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", ["tcp://10.0.0.5:8786", '"tcp://10.0.0.5:8786"'])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("run: {workers: 2}\n", 'run: {workers: 2, address: "tcp://10.0.0.5:8786"}\n'),
        ("run: {address: here}\n", 'run: {address: "tcp://10.0.0.5:8786"}\n'),
    ],
    ids=["a new key", "another value"],
)
def test_a_text_with_a_colon_is_quoted_within_brackets(tmp_path, before, after, value):
    """DVC reads it in no other way; on the command line it needs no quotes."""
    path = tmp_path / "p.yaml"
    path.write_text(before, encoding="utf-8")
    set_value(path, "run.address", value)
    assert path.read_text(encoding="utf-8") == after


def test_of_several_values_all_are_written_or_none(project, pipeline_text):
    """The second one leads nowhere, so the first is not written either."""
    path = project / "pipelines" / "toy.yaml"
    with pytest.raises(PipelineError, match="did you mean attacked"):
        edited(path, ["seed=9", "steps.attaked.with.eps=1"])
    assert path.read_text(encoding="utf-8") == pipeline_text
    content = edited(path, ["seed=9", "steps.attacked.with.eps=2/255"]).decode("utf-8")
    assert content == pipeline_text.replace("seed: 7", "seed: 9").replace("$eps ", "2/255 ")


def test_editing_refuses_what_an_override_refuses(project, pipeline_text):
    """A key that leads nowhere leaves the file as it is."""
    path = project / "pipelines" / "toy.yaml"
    with pytest.raises(PipelineError, match="did you mean attacked"):
        set_value(path, "steps.attaked.with.eps", "1")
    assert path.read_text(encoding="utf-8") == pipeline_text


def test_a_full_disk_leaves_the_file_as_it_was(project, pipeline_text, monkeypatch):
    """Writing happens beside the file: what fails leaves the old file and nothing else."""
    path = project / "pipelines" / "toy.yaml"

    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="the disk is full"):
        set_value(path, "seed", "9")
    assert path.read_text(encoding="utf-8") == pipeline_text
    assert [p.name for p in path.parent.iterdir()] == ["toy.yaml"]

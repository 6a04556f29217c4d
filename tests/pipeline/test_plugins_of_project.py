"""Plugins in files of the project: planned, keyed and refused as installed ones are."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata

import pytest
import yaml

from adversity.errors import PipelineError, StaleInputsError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.pipeline.read.reader import parse
from adversity.pipeline.read.schema import pipeline_schema
from adversity.testing.kit.marking import mark_before, mark_of
from adversity.testing.kit.outcome import Conformance

jsonschema = pytest.importorskip("jsonschema")

OWN = """\
name: toy-own
data:
  photos: {uses: dataset/toy_folder, with: {path: data/photos}}
matrix:
  share: [1/2, 1/4]
steps:
  shaded:
    uses: ./own/shade.py:Shade
    from: photos
    with: {share: $share}
  clean: {uses: classifier/tiny, from: photos}
  answers: {uses: classifier/tiny, from: shaded}
  storm:
    uses: attack/weather
    from: photos
    against: clean
    with: {eps: 8/255, degradation: {uses: "./own/shade.py:Shade", with: {share: 0.5}}}
"""
SHADE = '''\
"""Shade."""

from typing import ClassVar

from adversity import Degradation

from .curve import curve


class Shade(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "shade"

    share: float = 0.5

    def degrade(self, images, rng):
        """Return darker images."""
        return curve(images, self.share)


class Bright(Shade):
    """Make images brighter."""

    name: ClassVar[str] = "bright"
    licence: ClassVar[str] = "AGPL-3.0-only"
'''
CURVE = "def curve(images, share):\n    return images * share\n"


@pytest.fixture
def registry(toys, toys_with_parts):
    """The toy plugins, and those that hold plugins."""
    return toys.ToyRegistry([*toys.TOYS, *toys_with_parts.NESTING])


@pytest.fixture(autouse=True)
def _files(project):
    (project / "own").mkdir()
    (project / "own" / "shade.py").write_text(SHADE)
    (project / "own" / "curve.py").write_text(CURVE)


def _told(refuse, old, new):
    assert OWN.count(old) == 1
    return "\n".join(refuse(OWN.replace(old, new)))


def test_files_are_dependencies_and_in_the_record(plan):
    """Both files are what DVC hashes, of the steps that run them alone, nested ones too."""
    made = plan(OWN)
    files = ("own/curve.py", "own/shade.py")
    assert set(files) <= set(made.stage("answers").deps)
    assert set(files) <= set(made.stage("storm").deps)
    assert not set(files) & set(made.stage("clean").deps)
    record = made.resolved["steps"]["shaded"]
    assert record["plugin"] == "degradation/shade"
    assert (record["distribution"], record["version"]) == ("./own/shade.py", "")
    inner = made.resolved["steps"]["storm"]["nested"]["degradation/./own/shade.py:shade"]
    assert inner["fingerprint"] == record["fingerprint"]
    assert made.steps["shaded"].role == "view"
    assert len(made.steps["shaded"].cells) == 2


def test_source_is_in_the_key(plan, project):
    """What a file imports changes the record of its steps; a comment does not."""
    before = plan(OWN).resolved["steps"]
    (project / "own" / "curve.py").write_text("# darker\n" + CURVE)
    assert plan(OWN).resolved["steps"] == before
    (project / "own" / "curve.py").write_text(CURVE.replace("*", "-"))
    after = plan(OWN).resolved["steps"]
    assert {id_ for id_ in after if after[id_] != before[id_]} == {"shaded", "storm"}


def test_matrix_names_several(plan):
    """A variable stands for files of the project, each in the record under its own name."""
    made = plan(
        "name: toy-own\ndata:\n  photos: {uses: dataset/toy_folder, with: {path: data/photos}}\n"
        'matrix:\n  hit: ["./own/shade.py:Shade", "./own/shade.py:Bright"]\n'
        "steps:\n  hit: {uses: $hit, from: photos}\n"
        "  answers: {uses: classifier/tiny, from: hit}\n"
    )
    assert [plugin.name for plugin in made.steps["hit"].plugins.values()] == ["shade", "bright"]
    assert list(made.resolved["steps"]["hit"]["plugins"]) == [
        "./own/shade.py:shade",
        "./own/shade.py:bright",
    ]


def test_another_folder_has_the_same_record(plan, registry, project, tmp_path_factory):
    """The record holds no path of this machine: the same files elsewhere make the same one."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("pipelines/toy.yaml", "own/shade.py", "own/curve.py"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes((project / name).read_bytes())
    (elsewhere / "pipelines" / "toy.yaml").write_text(OWN)
    there = make_plan(load_pipeline(elsewhere / "pipelines" / "toy.yaml", root=elsewhere), registry)
    assert json.dumps(there.resolved) == json.dumps(plan(OWN).resolved)


def test_file_is_imported_once_a_plan(plan, project, capsys):
    """However often it is named, its code runs once."""
    with (project / "own" / "shade.py").open("a") as file:
        file.write("print('shade runs')\n")
    plan(OWN)
    assert capsys.readouterr().err.count("shade runs") == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "uses: ./own/shade.py:Shade\n",
            "uses: ./own/shader.py:Shade\n",
            "toy.yaml:8: there is no file ./own/shader.py in the project",
        ),
        (
            "uses: ./own/shade.py:Shade\n",
            "uses: ./own/shade.py\n",
            "toy.yaml:8: ./own/shade.py defines 2 plugins; write ./own/shade.py:Shade or ./own/sh",
        ),
        (
            "uses: ./own/shade.py:Shade\n",
            "uses: own/shade.py:Shade\n",
            "; a file of the project begins with ./, did you mean ./own/shade.py:Shade?",
        ),
        (
            "uses: ./own/shade.py:Shade\n",
            "uses: shade.py:Shade\n",
            "a file of the project begins with ./, did you mean ./shade.py:Shade?",
        ),
        (
            "uses: dataset/toy_folder, ",
            'uses: "./own/shade.py:Shade", ',
            "toy.yaml:3: ./own/shade.py:Shade makes images, and data is expected here",
        ),
        (
            'degradation: {uses: "./own/shade.py:Shade", with: {share: 0.5}}',
            'degradation: {uses: "./own/shade.py:Shade", with: {shr: 0.5}}',
            'degradation "shade" (./own/shade.py): unknown parameter shr',
        ),
        (
            "steps:\n",
            "licences: {deny: [AGPL]}\nsteps:\n",
            'degradation "shade" (./own/shade.py): the class does not state the licence of its code',
        ),
        (
            "steps:\n",
            "conformance: required\nsteps:\n",
            "was not checked in this environment; run `adversity check ./own/shade.py:Shade`",
        ),
    ],
    ids=["file", "class", "dot", "step", "kind", "parameter", "licence", "conformance"],
)
def test_what_is_refused(refuse, old, new, expected):
    """Each fault is said with the line of the pipeline, the file and what to write."""
    assert expected in _told(refuse, old, new)


def test_denied_licence_is_refused(refuse):
    """The licence that the class states is held against the rules."""
    text = OWN.replace("./own/shade.py:Shade", "./own/shade.py:Bright")
    findings = refuse(text.replace("steps:\n", "licences: {deny: [AGPL]}\nsteps:\n"))
    assert any("is AGPL-3.0-only, which licences.deny refuses (AGPL)" in one for one in findings)


def test_mark_is_of_this_project_and_source(plan, load, registry, project, monkeypatch):
    """A mark satisfies `conformance: required`; a change of what the file imports ends it."""
    entry = plan(OWN).steps["shaded"].entry
    mark = mark_of(mark_before(entry), Conformance("degradation", "shade", 1, ()))
    assert set(mark.files) >= {str(project / "own" / n) for n in ("shade.py", "curve.py")}
    monkeypatch.setattr("adversity.pipeline.plan.plugins.read_marks", lambda: {mark.key: mark})
    text = OWN.replace("steps:\n", "conformance: required\nsteps:\n")

    def shade_faults():
        with pytest.raises(PipelineError) as caught:  # the toys have no marks
            make_plan(load(text), registry)
        return [one for one in caught.value.findings if '"shade"' in one]

    assert shade_faults() == []
    (project / "own" / "curve.py").write_text(CURVE.replace("*", "-"))
    assert all("was checked with another source" in one for one in shade_faults())
    assert len(shade_faults()) == 2


def test_mark_is_of_the_source_that_was_tried(plan, project):
    """What is edited while the kit runs was not tried, nor what was edited since the import."""
    entry = plan(OWN).steps["shaded"].entry
    before = mark_before(entry)
    assert before.standing("") == "conforms"
    (project / "own" / "curve.py").write_text(CURVE.replace("*", "-"))
    assert mark_of(before, Conformance("degradation", "shade", 1, ())).standing("") == "stale"
    with pytest.raises(StaleInputsError, match=r"expected own/curve\.py as it was when"):
        mark_before(entry)


def test_mark_is_of_the_libraries_that_the_file_imports(plan, project):
    """A project says nowhere what it requires: its imports do, in functions and neighbours, too."""
    (project / "own" / "curve.py").write_text(CURVE.replace(":\n", ":\n    import pluggy\n"))
    mark = mark_before(plan(OWN).steps["shaded"].entry)
    assert mark.versions["pluggy"] == metadata.version("pluggy")
    assert replace(mark, versions={**mark.versions, "pluggy": "0.1"}).standing("") == "stale"


def test_schema_takes_a_file(registry):
    """Editors accept a file and class in steps, data and parameters, and nothing that is none."""
    validator = jsonschema.Draft202012Validator(pipeline_schema(registry))
    assert list(validator.iter_errors(yaml.safe_load(OWN))) == []
    wrong = yaml.safe_load(OWN.replace("./own/shade.py:Shade", "own/shade.py:Shade"))
    assert list(validator.iter_errors(wrong))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {uses: ./own.py:Own}", "./own.py:Own"),
        ("a: 1\nb: {c: [1, {d: x/y:z}]}", "x/y:z"),
        ("a: 1:30\nb: [1:30]", "1:30"),
    ],
)
def test_bare_colon_in_brackets_is_refused(text, said):
    """DVC reads the same file and stops at such a colon: it is refused with its line."""
    with pytest.raises(PipelineError, match=rf'write "{said}"') as caught:
        parse(text, "x.yaml")
    assert str(caught.value).startswith(f"x.yaml:{text.count(chr(10)) + 1}: expected {said} in quo")


def test_other_colons_are_read():
    """Outside of brackets, and in quotes, a colon is text."""
    text = "a: ./own.py:Own\nb: {c: './own.py:Own', d: \"x:y\"}\ne:\n  - x:y\n"
    assert parse(text, "x.yaml").tree == {
        "a": "./own.py:Own", "b": {"c": "./own.py:Own", "d": "x:y"}, "e": ["x:y"],
    }  # fmt: skip

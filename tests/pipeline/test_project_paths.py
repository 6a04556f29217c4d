"""Every file or folder of the project that a plugin reads is a dependency, however it is called."""

from __future__ import annotations

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan


@pytest.fixture
def filed(load, toys, toys_with_parts):
    """Return a function that plans a text with the plugins that read files."""
    registry = toys.ToyRegistry((*toys.TOYS, *toys_with_parts.FILED))

    def planned(text):
        return make_plan(load(text), registry)

    return planned


@pytest.mark.parametrize("there", [True, False], ids=["there", "missing"])
@pytest.mark.parametrize(
    ("given", "places"),
    [
        ("weights: models/best", ["models/best"]),
        ("weights: ./models//best", ["models/best"]),
        ("weights: net", ["net"]),
        ("weights: 1/2", ["1/2"]),
        ("members: [a, models/b.pt, 'c d']", ["a", "models/b.pt", "c d"]),
        ("by_name: {night: models/night, day: day}", ["models/night", "day"]),
    ],
)
def test_declared_files_are_dependencies(filed, pipeline_text, project, given, places, there):
    """A name without a dot, a folder, a list and a mapping: each is hashed wherever it is used."""
    for place in places if there else ():
        full = project / place
        full.parent.mkdir(parents=True, exist_ok=True)
        full.mkdir() if given.startswith("by_name") else full.write_bytes(b"")
    made = filed(
        pipeline_text.replace("classifier/tiny}", f"classifier/stored, with: {{{given}}}}}")
    )
    for step in ("clean_predictions", "predictions", "attacked", "report"):
        assert set(places) <= set(made.stage(step).deps), step
    assert not set(places) & set(made.stage("confidence").deps)
    assert made.warnings == ()


def test_files_of_data_sets_metrics_and_nested_plugins_are_dependencies(filed, pipeline_text):
    """A file beside a data set's folder, of a metric, and of a plugin in a parameter."""
    text = pipeline_text.replace(
        "dataset/toy_folder, with: {path: data/photos}",
        "dataset/catalogued, with: {path: data/photos, catalogue: lists/all}",
    ).replace(
        "degradation/darker, from: photos, with: {severity: $severity}",
        "degradation/mixture, from: photos, "
        "with: {parts: [{uses: grained, with: {severity: $severity, texture: grain}}]}",
    )
    made = filed(text + "metrics: [{uses: metric/edged, with: {edges: edges}}]\n")
    assert {"lists/all", "grain", "edges"} <= set(made.stage("predictions").deps)
    assert {"lists/all", "edges"} <= set(made.stage("clean_predictions").deps)
    assert "grain" not in made.stage("clean_predictions").deps
    assert "edges" in made.stage("confidence").deps


@pytest.mark.parametrize("name", ["models/best", "weights"])
def test_a_file_that_a_plugin_takes_as_text_is_hashed_and_said(plan, pipeline_text, project, name):
    """An older plugin's parameter is text; a file of exactly that name counts, dot or not."""
    text = pipeline_text.replace(
        "classifier/tiny}", f"classifier/tiny, with: {{weights: {name}}}}}"
    )
    assert name not in plan(text).stage("attacked").deps
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_bytes(b"")
    made = plan(text)
    assert name in made.stage("attacked").deps
    (said,) = made.warnings
    assert said.startswith(
        f'pipelines/toy.yaml:12: classifier "tiny" (toys 1.2): weights: {name} lies in the project'
    )
    assert "ProjectFile" in said


def test_text_that_happens_to_be_a_folder_s_name_is_text(plan, pipeline_text, project):
    """A word such as `data` is no path, and what runs write is no dependency by its name."""
    (project / "data").mkdir()
    (project / "artifacts" / "old").mkdir(parents=True)
    for word in ("data", "artifacts/old", ".", "a" * 5000):
        made = plan(
            pipeline_text.replace(
                "classifier/tiny}", f"classifier/tiny, with: {{weights: {word}}}}}"
            )
        )
        assert word not in made.stage("attacked").deps
        assert made.warnings == ()


@pytest.mark.parametrize("where", ["steps", "data", "metrics"])
@pytest.mark.parametrize("how", ["../net", "linked"])
def test_declared_files_stay_in_the_project(filed, pipeline_text, tmp_path, where, how):
    """`..` and a link that leads out are refused with the line, for every kind of plugin."""
    (tmp_path / "linked").symlink_to(tmp_path.parent)
    text = {
        "steps": pipeline_text.replace(
            "classifier/tiny}", f"classifier/stored, with: {{weights: {how}}}}}"
        ),
        "data": pipeline_text.replace(
            "dataset/toy_folder, with: {path: data/photos}",
            f"dataset/catalogued, with: {{path: data/photos, catalogue: {how}}}",
        ),
        "metrics": pipeline_text + f"metrics: [{{uses: metric/edged, with: {{edges: {how}}}}}]\n",
    }[where]
    with pytest.raises(PipelineError) as refused:
        filed(text)
    (finding,) = refused.value.findings
    assert finding.startswith("pipelines/toy.yaml:")
    words = "must lie in the project" if how == "linked" else "must be a path inside the project"
    assert words in finding

"""What a plan refuses: each mistake with its line, the plugin, the value and what to do."""

from __future__ import annotations

import pytest

from adversity.errors import PluginError


def test_a_pipeline_that_measures_nothing_is_refused(refuse, plan, pipeline_text):
    """Views and unused definitions leave nothing: it would end well without a word of anything."""
    views = pipeline_text[: pipeline_text.index("  clean_predictions:")]
    views = views.replace("  eps: [4/255, 8/255, 0.10]\n", "")
    (finding,) = refuse(views)
    assert finding.startswith(
        "pipelines/toy.yaml:8: nothing is measured: of dark, enhanced, net no"
    )
    assert plan(views + "  answers: {uses: net, from: enhanced}\n").steps["answers"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "degradation/darker",
            "degradation/darkr",
            "pipelines/toy.yaml:10: unknown plugin degradation/darkr; did you mean darker?",
        ),
        (
            "degradation/darker",
            "degradations/darker",
            (
                "pipelines/toy.yaml:10: unknown kind of plugin 'degradations' in degradations/darker; "
                "did you mean degradation?"
            ),
        ),
        (
            "steps: 3",
            "step: 3",
            (
                'pipelines/toy.yaml:25: attack "push" (toys 1.2): unknown parameter step; '
                "did you mean steps?"
            ),
        ),
        (
            "steps: 3",
            "steps: 0",
            (
                'pipelines/toy.yaml:25: attack "push" (toys 1.2): steps must be '
                "greater than or equal to 1, got 0"
            ),
        ),
        (
            "norm: linf",
            "norm: l3",
            "pipelines/toy.yaml:23: attack \"push\" (toys 1.2): norm must be 'linf' or 'l2', got 'l3'",
        ),
        (
            "0.10]",
            "8]",
            (
                'pipelines/toy.yaml:24: attack "push" (toys 1.2): eps must be '
                "less than or equal to 1, got 8 (where eps=8)"
            ),
        ),
        (
            "      eps: $eps        # on the [0, 1] scale\n",
            "      target: $eps\n",
            (
                'pipelines/toy.yaml:22: attack "push" (toys 1.2): parameter eps is missing; '
                "give it under with:"
            ),
        ),
        (
            "with: {severity: $severity}",
            "with: {severity: $severity, factor: 0.5}",
            (
                'pipelines/toy.yaml:10: degradation "darker" (toys 1.2): '
                "severity excludes factor; give one or the other"
            ),
        ),
        (
            "seed: 7",
            "seed: 7\nrun: {limits: {atacked: {time: 1h}}}",
            "pipelines/toy.yaml:3: there is no step atacked; did you mean attacked?",
        ),
        (
            "from: enhanced}",
            "from: enhancd}",
            (
                "pipelines/toy.yaml:14: from: there is no step or data set enhancd; "
                "did you mean enhanced?"
            ),
        ),
        (
            "{uses: net, from: photos}",
            "{uses: nets, from: photos}",
            (
                "pipelines/toy.yaml:13: uses: expected kind/name or the id of a step, got nets; "
                "did you mean net?"
            ),
        ),
        (
            "{uses: net, from: photos}",
            "{uses: predictions, from: photos}",
            (
                "pipelines/toy.yaml:13: uses: predictions is not a definition, it has from:; "
                "name its plugin instead"
            ),
        ),
    ],
    ids=[
        "unknown plugin",
        "unknown kind",
        "unknown parameter",
        "out of range",
        "wrong choice",
        "wrong in one cell",
        "missing parameter",
        "plugin's own rule",
        "limits of no step",
        "unknown source",
        "unknown definition",
        "not a definition",
    ],
)
def test_a_wrong_name_or_value_gets_one_line(refuse, pipeline_text, old, new, expected):
    """File, line, plugin, distribution, parameter, value, expectation, suggestion."""
    assert old in pipeline_text
    assert expected in refuse(pipeline_text.replace(old, new))


def test_all_problems_are_said_at_once_in_the_files_order(refuse, pipeline_text):
    """Three mistakes in three steps give three findings, and no others follow from them."""
    text = pipeline_text.replace("darker", "darkr").replace("classifier/tiny", "classifier/tini")
    found = refuse(text.replace("steps: 3", "stepz: 3"))
    assert [finding.split(":")[1] for finding in found] == ["10", "12", "25"]


def test_an_unknown_plugin_is_said_alone(refuse, pipeline_text):
    """What the matrix does in its step is not known, so no gate behind it is judged by that."""
    (finding,) = refuse(pipeline_text.replace("degradation/darker", "degradation/darkr"))
    assert finding.startswith("pipelines/toy.yaml:10: unknown plugin degradation/darkr")
    found = refuse(
        pipeline_text.replace("degradation/darker", "degradation/darkr").replace(
            "predictions[severity=3]", "predictions[gain=3]"
        )
    )
    assert ["unknown plugin" in found[0], "does not depend on gain" in found[1]] == [True, True]


def test_an_attack_is_not_told_what_follows_from_another_mistake(refuse, pipeline_text):
    """That the attacked path misses what is changed is said where that alone is the mistake."""
    found = refuse(pipeline_text.replace("brighter, from: dark}", "brighter, from: drak}"))
    assert found[0].startswith("pipelines/toy.yaml:11: from: there is no step or data set drak")
    assert not any("does not pass through" in finding for finding in found)
    (table,) = refuse(pipeline_text.replace("push\n    from: dark", "push\n    from: spread"))
    assert table.startswith('pipelines/toy.yaml:20: attack "push" (toys 1.2) works on')


def test_a_cycle_is_named_in_full(refuse, pipeline_text):
    """Every step on the circle is named, in order."""
    text = pipeline_text.replace(
        "degradation/darker, from: photos", "degradation/darker, from: enhanced"
    )
    (finding,) = refuse(text)
    assert finding == (
        "pipelines/toy.yaml:10: steps depend on each other in a circle: "
        "dark -> enhanced -> dark; cut one arrow"
    )


def test_a_denied_licence_is_refused(refuse, plan, pipeline_text):
    """The licence of weights counts as much as that of code; other licences pass."""
    assert plan(pipeline_text + "licences: {deny: [GPL-3.0-only, AGPL-*]}\n")
    found = refuse(pipeline_text + "licences: {deny: ['cc-by-nc-*']}\n")
    assert found == (
        (
            'pipelines/toy.yaml:12: classifier "tiny" (toys 1.2): the licence of its weights is '
            "Apache-2.0 AND CC-BY-NC-4.0, which licences.deny refuses (cc-by-nc-*); use another plugin"
        ),
    )


def test_a_licence_that_nobody_states_is_refused(refuse, plan, pipeline_text, toys, monkeypatch):
    """Where some licences are denied, an unknown one could be any of them; it passes on demand."""
    monkeypatch.setattr(toys.Darker, "licence", None)
    assert plan(pipeline_text)
    (finding,) = refuse(pipeline_text + "licences: {deny: [GPL]}\n")
    assert 'degradation "darker" (toys 1.2): neither the class nor the metadata' in finding
    assert "allow_unknown: true under licences" in finding
    assert plan(pipeline_text + "licences: {deny: [GPL], allow_unknown: true}\n")


@pytest.mark.parametrize("rule", ["non-commercial", "CC-BY-NC", "apache-2.0", "CC-*-NC-*"])
def test_a_family_of_licences_is_refused(refuse, pipeline_text, rule):
    """A word, the family's name, and a pattern each deny what they mean, in any case."""
    (finding,) = refuse(pipeline_text + f"licences: {{deny: ['{rule}']}}\n")
    assert f"which licences.deny refuses ({rule})" in finding


@pytest.mark.parametrize("rule", ["CC-BY-N", "Apache-2", "GPL", "NC"])
def test_another_licence_passes(plan, pipeline_text, rule):
    """A part of a word is no family."""
    assert plan(pipeline_text + f"licences: {{deny: [{rule}]}}\n")


def test_data_must_lie_in_the_project(refuse, pipeline_text, tmp_path):
    """A data set outside the project, and a link that leads there, are refused."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (tmp_path / "linked").symlink_to(outside)
    for place in ("../elsewhere", "/etc", "linked", "."):
        (finding,) = refuse(pipeline_text.replace("data/photos", place))
        assert finding.startswith('pipelines/toy.yaml:4: dataset "toy_folder" (toys 1.2): ')
        assert "must lie in the project" in finding


def test_a_missing_labels_file_is_refused(refuse, plan, pipeline_text, project):
    """`labels:` must name a map in the project, as Excel writes it too; it is a dependency."""
    text = pipeline_text.replace("prepare: {centre", "labels: names.csv, prepare: {centre")
    (finding,) = refuse(text)
    assert finding.startswith(
        "pipelines/toy.yaml:4: labels: there is no file names.csv in the project; correct the path"
    )
    (project / "names.csv").write_text("a,b\n")
    (finding,) = refuse(text)
    assert finding == (
        "pipelines/toy.yaml:4: labels: names.csv:1: expected a header with the columns from,to, "
        "got a,b"
    )
    (project / "names.csv").write_text("\ufefffrom,to\r\na,b\r\n", encoding="utf-8")
    assert "names.csv" in plan(text).stage("clean_predictions").deps


def test_parameters_that_leave_the_project_are_refused(refuse, plan, pipeline_text, tmp_path):
    """A weight file outside is refused by its parameter; text with a slash in it is not a path."""
    outside = tmp_path.parent / f"{tmp_path.name}.safetensors"
    outside.write_bytes(b"")
    for place in (f"../{outside.name}", outside, "../not-there"):
        text = pipeline_text.replace(
            "classifier/tiny}", f"classifier/tiny, with: {{weights: '{place}'}}}}"
        )
        (finding,) = refuse(text)
        assert finding.startswith('pipelines/toy.yaml:12: classifier "tiny" (toys 1.2): weights: ')
        assert "must lie in the project" in finding
    assert plan(
        pipeline_text.replace("classifier/tiny}", "classifier/tiny, with: {weights: a/b/c}}")
    )


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("boom", "its own check of the parameters failed: KeyError: 'boom'; report it to toys"),
        ("input", "how must be kind, got input"),
    ],
)
def test_a_plugin_that_fails_while_checking_is_named(refuse, pipeline_text, how, expected):
    """A third party's broken validator is a finding with its distribution, never a traceback."""
    text = pipeline_text.replace(
        "uncertainty/margin,", f"uncertainty/faulty, with: {{how: {how}}},"
    )
    (finding,) = refuse(text)
    assert finding.startswith('pipelines/toy.yaml:17: uncertainty "faulty" (toys 1.2): ')
    assert expected in finding


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ("[metric/ecee]", "unknown plugin metric/ecee; did you mean ece?"),
        ("[ece]", "uses: expected kind/name such as dataset/folder, got ece"),
        ("[attack/push]", "attack/push makes adversarial, and measure is expected here"),
        ("[{uses: metric/ece, with: {bins: 0}}]", "bins must be greater than or equal to 1, got 0"),
        ("[metric/ece, {uses: metric/ece, with: {bins: 3}}]", "metric/ece is named twice"),
    ],
)
def test_a_wrong_metric_is_refused(refuse, pipeline_text, metrics, expected):
    """Metrics are resolved like every other plugin."""
    (finding,) = refuse(f"{pipeline_text}metrics: {metrics}\n")
    assert finding.startswith("pipelines/toy.yaml:30: ")
    assert expected in finding


def test_a_plugin_without_source_is_refused(monkeypatch, refuse, pipeline_text):
    """What cannot be fingerprinted could change unseen, so nothing is planned with it."""

    def no_source(cls, **known):
        raise PluginError("expected a source file, found none")

    monkeypatch.setattr("adversity.pipeline.plan.origins.source_fingerprint", no_source)
    found = refuse(pipeline_text)
    expected = 'degradation "darker" (toys 1.2): expected a source file, found none'
    assert f"pipelines/toy.yaml:10: {expected}" in found

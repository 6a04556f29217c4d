"""Two runs compared: flips, tests against SciPy, what is shared, and what is not the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

from adversity.errors import InputError
from adversity.report.words.diff_words import first_sentence
from recorded_runs import compare, recorded, rows, sure_of


def noisy(seed, n=60):
    """Return logits and labels of a net that is often right."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 3, n)
    return 2 * np.eye(3)[target] + rng.normal(0, 1.2, (n, 3)), target


def pair(tmp_path, before, after, **more):
    """Return two runs of one step each."""
    return (
        recorded(tmp_path, "a", {"predictions": [before]}, **more),
        recorded(tmp_path, "b", {"predictions": [after]}, **more),
    )


def by_name(diff):
    """Return the compared measures of a diff of one cell."""
    return {one.name: one for one in diff.measures}


def test_flips_are_told_with_both_answers_and_tested_as_scipy_does(tmp_path):
    """Nine of twelve images become wrong, one right: McNemar is the binomial test of 9 in 10."""
    target = [0] * 12
    then = rows(sure_of([0] * 11 + [1]), target)
    now = rows(sure_of([1] * 9 + [0, 0, 0]), target)
    diff = compare(*pair(tmp_path, then, now))
    [answers] = diff.answers
    assert (answers.n, answers.to_wrong, answers.to_right) == (12, 9, 1)
    first = answers.flips[0]
    assert (first.id, first.label, first.before, first.after, first.right) == (
        "s000", "cat", "cat", "dog", False,
    )  # fmt: skip
    accuracy = by_name(diff)["accuracy"]
    assert accuracy.p_value == pytest.approx(stats.binomtest(9, 10).pvalue, abs=1e-12)
    assert accuracy.difference.value == pytest.approx(-8 / 12, abs=1e-15)
    assert first_sentence(diff).startswith("10 of 12 images flipped (s000, s001, s002 and 7 more)")


def test_a_mean_is_tested_as_scipy_does(tmp_path):
    """The NLL's difference and p-value are those of a paired t test of SciPy's log-softmax."""
    (then, target), (noise, _) = noisy(0), noisy(1)
    now = then + 0.1 * noise
    diff = compare(*pair(tmp_path, rows(then, target), rows(now, target)))
    each = [
        -log_softmax(logits.astype(np.float32).astype(np.float64), axis=1)[range(60), target]
        for logits in (then, now)
    ]
    nll = by_name(diff)["nll"]
    assert nll.difference.value == pytest.approx(np.mean(each[1] - each[0]), abs=1e-12)
    assert nll.p_value == pytest.approx(stats.ttest_rel(*each).pvalue, rel=1e-9)


def test_what_is_no_mean_is_drawn(tmp_path):
    """ECE has a bootstrap with draws alone; its value is the difference of the two stored ones."""
    (then, target), (noise, _) = noisy(2), noisy(3)
    sides = pair(tmp_path, rows(then, target), rows(then + 0.5 * noise, target))
    without, found = (by_name(compare(*sides, draws=draws))["ece"] for draws in (0, 50))
    assert (without.difference, without.p_value) == (None, None)
    assert "no mean over images" in without.why
    assert found.difference.value == pytest.approx(
        found.after.value - found.before.value, abs=1e-12
    )
    assert found.difference.low < found.difference.value < found.difference.high
    assert 0 < found.p_value < 1


def test_the_bootstrap_is_the_metric_of_drawn_rows(tmp_path):
    """By brute force: the ECE of the same draws, computed by hand over 15 bins."""

    def ece(logits, target):
        exact = np.exp(log_softmax(logits.astype(np.float32).astype(np.float64), axis=1))
        confidence, right = exact.max(axis=1), exact.argmax(axis=1) == target
        bins = np.clip(np.ceil(confidence * 15).astype(int), 1, 15)
        gaps = [np.sum((confidence - right)[bins == b]) for b in range(1, 16)]
        return np.abs(gaps).sum() / len(target)

    (then, target), (noise, _) = noisy(4), noisy(5)
    now = then + 0.5 * noise
    sides = pair(tmp_path, rows(then, target), rows(now, target))
    found = by_name(compare(*sides, draws=40))["ece"].difference
    rng = np.random.Generator(np.random.Philox(0))
    drawn = []
    for _ in range(40):
        at = rng.integers(0, 60, 60)
        drawn.append(ece(now[at], target[at]) - ece(then[at], target[at]))
    half = np.std(drawn, ddof=1) * stats.t.ppf(0.975, 59)
    # Confidences are computed in another order of operations: 1e-6 of a share.
    assert found.high - found.low == pytest.approx(2 * half, abs=1e-6)


def test_holm_is_over_all_tests_of_the_comparison(tmp_path):
    """Two cells with three measures each, one cell the same: three p-values, stepped by hand."""
    (then, target), (noise, _) = noisy(6), noisy(7)
    cells = [
        [rows(logits, target, cell="severity=1"), rows(other, target, cell="severity=2")]
        for logits, other in ((then, then), (then, then + 0.8 * noise))
    ]
    sides = [recorded(tmp_path, name, {"p": own}) for name, own in zip("ab", cells, strict=True)]
    diff = compare(*sides, draws=30)
    tested = [one for one in diff.measures if one.p_value is not None]
    assert {one.cell["severity"] for one in tested} == {"2"}
    assert all(one.same for one in diff.measures if one.cell["severity"] == "1")
    order = sorted(tested, key=lambda one: one.p_value)
    worst = 0.0
    for place, one in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - place) * one.p_value))
        assert one.p_corrected == pytest.approx(worst, rel=1e-12)
    assert diff.tests == len(order) >= 3


def test_runs_of_other_data_are_compared_on_what_both_have(tmp_path):
    """Ids that one run has alone are named and left out of flips and of differences."""
    then = rows(sure_of([0, 0, 0, 1]), [0, 0, 0, 0], ids=["a", "b", "c", "gone"])
    now = rows(sure_of([1, 0, 0, 0]), [0, 0, 0, 0], ids=["a", "b", "c", "new"])
    diff = compare(*pair(tmp_path, then, now))
    [data] = diff.data
    assert (data.shared, data.only_before, data.only_after) == (3, ("gone",), ("new",))
    assert [flip.id for flip in diff.answers[0].flips] == ["a"]
    assert by_name(diff)["accuracy"].difference.value == pytest.approx(-1 / 3, abs=1e-15)
    assert "1 of 3 images flipped (a)" in first_sentence(diff)


def test_another_label_is_no_flip(tmp_path):
    """The answers are the same: the label is named, and the accuracy changed by it."""
    answers = sure_of([0, 1, 2, 0])
    sides = pair(tmp_path, rows(answers, [0, 1, 2, 0]), rows(answers, [0, 1, 2, 1]))
    diff = compare(*sides)
    assert not any(one.flips or one.otherwise for one in diff.answers)
    [label] = diff.data[0].relabelled
    assert (label.id, label.before, label.after) == ("s003", "cat", "dog")
    assert first_sentence(diff) == (
        "No image flipped. 1 label is another: s003 is dog and was cat."
    )
    assert by_name(diff)["accuracy"].difference.value == -0.25


def test_images_without_a_label_cannot_flip(tmp_path):
    """What is not judged is counted as another answer."""
    sides = pair(tmp_path, rows(sure_of([0, 1]), [0, -2]), rows(sure_of([0, 2]), [0, -2]))
    [answers] = compare(*sides).answers
    assert (answers.flips, answers.otherwise) == ((), 1)


def test_the_same_rows_differ_by_nothing_and_are_no_test(tmp_path):
    """Nothing is tested, and the first line says so."""
    logits, target = noisy(8)
    diff = compare(*pair(tmp_path, rows(logits, target), rows(logits, target)), draws=10)
    assert all(one.same and one.difference.value == 0 for one in diff.measures)
    assert diff.tests == 0
    assert first_sentence(diff) == (
        "No image flipped: both runs gave the same answers, row for row."
    )


def test_a_value_that_the_installed_metric_does_not_give_is_not_compared(tmp_path):
    """The run stored another accuracy than its rows have: another version measured it."""
    logits, target = noisy(9)
    before, after = pair(tmp_path, rows(logits, target), rows(-logits, target))
    before.result["steps"][0]["cells"][0]["measures"]["accuracy"]["value"] += 0.01
    accuracy = by_name(compare(before, after))["accuracy"]
    assert accuracy.difference is None
    assert "another value" in accuracy.why


def test_a_measure_with_another_convention_is_not_compared(tmp_path):
    """ECE over other bins is another measure."""
    logits, target = noisy(10)
    before, after = pair(tmp_path, rows(logits, target), rows(-logits, target))
    before.result["steps"][0]["cells"][0]["measures"]["ece"]["convention"]["bins"] = 10
    ece = by_name(compare(before, after, draws=10))["ece"]
    assert ece.difference is None
    assert "bins was 10 and is 15" in ece.why


def test_a_calibrator_that_leaves_the_answers_is_not_told_twice(tmp_path):
    """Its flips are those of the step before it; one that changes them has its own."""
    then, now, target = sure_of([0, 1]), sure_of([1, 1]), [0, 1]
    more = {"calm": {"kind": "uncertainty", "source": ["net"]}}
    sides = [
        recorded(
            tmp_path, name, {"net": [rows(own, target)], "calm": [rows(own / 2, target)]}, **more
        )
        for name, own in (("a", then), ("b", now))
    ]
    assert [one.step for one in compare(*sides).answers] == ["net"]


def test_what_is_not_the_same_is_named_by_its_place(tmp_path):
    """A parameter, the data, fitted weights, a plugin's version, its source, and the processor."""
    logits, target = noisy(11)
    of_net = ("{uses: classifier/toy}", "{uses: classifier/toy, with: {epochs: 2}}")
    texts = [f"name: p\nseed: 0\nsteps:\n  net: {net}\n" for net in of_net]

    def run(name, text, content, digest, version, source, processor):
        resolved = {"steps": {"net": {"plugin": "classifier/toy", "fingerprint": source}}}
        facts = {
            "hashes": {"artifacts/p/net": digest, "data/photos": digest},
            "resolved": resolved,
            "machine": {"processor": processor},
        }
        net = {"fit_on": "train", "plugin": {"distribution": "toys", "version": version}}
        data = [{"id": "photos", "uses": "dataset/folder", "n": 60, "content": content}]
        return recorded(
            tmp_path, name, {"net": [rows(logits, target)]},
            text=text, facts=facts, data=data, net=net,
        )  # fmt: skip

    before = run("a", texts[0], "c" * 64, "1" * 32, "1.0", "f1", "AMD")
    after = run("b", texts[1], "d" * 64, "2" * 32, "1.1", "f2", "Intel")
    said = [(one.of, one.where, one.before, one.after) for one in compare(before, after).changes]
    assert said == [
        ("parameter", "steps.net.with.epochs", "", "2"),
        ("data", "photos", "60 images, content cccccccccccc", "60 images, content dddddddddddd"),
        ("weights", "net (fitted)", "111111111111", "222222222222"),
        ("plugin", "toys", "1.0", "1.1"),
        ("code", "source of classifier/toy", "f1", "f2"),
        ("environment", "processor", "AMD", "Intel"),
    ]
    assert compare(before, before).changes == ()


def test_a_default_that_moved_is_a_change_of_a_parameter(tmp_path):
    """The file says the same, the plugin took another value; a step that uses it does not repeat it."""
    logits, target = noisy(14)
    text = "name: p\nsteps:\n  net: {uses: classifier/toy}\n  said: {uses: net}\n"
    sides = []
    for name, epochs in (("a", 1), ("b", 2)):
        steps = {"net": [rows(logits, target)], "said": [rows(logits, target)]}
        run = recorded(tmp_path, name, steps, text=text)
        for step in run.result["steps"]:
            step["cells"][0]["parameters"] = {"epochs": epochs}
        sides.append(run)
    [change] = compare(*sides).changes
    assert (change.where, change.before, change.after) == ("net, default.epochs", "1", "2")


def test_steps_and_cells_of_one_run_alone_are_named(tmp_path):
    """They are compared with nothing."""
    logits, target = noisy(12)
    one, two = (rows(logits, target, cell=f"severity={n}") for n in (1, 2))
    before = recorded(tmp_path, "a", {"p": [one], "old": [one]})
    after = recorded(tmp_path, "b", {"p": [one, two]})
    assert dict(compare(before, after).alone) == {"old": "before", "p[severity=2]": "after"}


def test_runs_without_a_common_step_are_refused(tmp_path):
    """Two pipelines have nothing to compare."""
    logits, target = noisy(13)
    sides = [recorded(tmp_path, name, {name: [rows(logits, target)]}) for name in "ab"]
    with pytest.raises(InputError, match="a step in common"):
        compare(*sides)


def test_groups_are_drawn_and_tested_whole(tmp_path):
    """Ten patients with the same flips in all their images: no more than ten draws say something."""
    target = np.zeros(40, dtype=int)
    names = np.array([f"g{i % 10}" for i in range(40)], dtype=object)
    flips = np.array([0 if i % 10 > 5 else 1 for i in range(40)])
    p_values = []
    for more in ({}, {"group": names}):
        then = rows(sure_of(target), target, **more)
        now = rows(sure_of(flips), target, **more)
        p_values.append(by_name(compare(*pair(tmp_path, then, now)))["accuracy"].p_value)
    assert p_values[0] < p_values[1]


def test_without_metrics_flips_are_told_all_the_same(tmp_path):
    """A colleague without the plugin sees what flipped; the tests of measures are left out."""
    then, now = rows(sure_of([0, 0]), [0, 0]), rows(sure_of([1, 0]), [0, 0])
    diff = compare(*pair(tmp_path, then, now), metrics=())
    assert len(diff.answers[0].flips) == 1
    assert "1 of 2 images flipped" in first_sentence(diff)

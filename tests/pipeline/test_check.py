"""The rules of the graph: each broken alone, each with its reason."""

from __future__ import annotations

import pytest

_PLACES = {
    "restoration of predictions": (
        "brighter, from: dark}",
        "brighter, from: clean_predictions}",
        (
            ':11: restoration "brighter" (toys 1.2) works on a data set or images or adversarial images; '
            "clean_predictions is predictions"
        ),
    ),
    "calibration of images": (
        "scaling, from: predictions",
        "scaling, from: enhanced",
        ':16: uncertainty "scaling" (toys 1.2) works on predictions or scores; enhanced is images',
    ),
    "classifier on a definition": (
        "{uses: net, from: photos}",
        "{uses: net, from: net}",
        (
            ':13: classifier "tiny" (toys 1.2) works on a data set or images or adversarial images; '
            "net is a plugin that was not used on anything (it has no from:)"
        ),
    ),
    "attack against images": (
        "against: confidence",
        "against: enhanced",
        ":21: an attack changes an answer (predictions or scores); enhanced is images",
    ),
    "attack off the path": (
        "against: confidence",
        "against: clean_predictions",
        (
            ":21: the path of clean_predictions is photos -> clean_predictions; it does not pass "
            "through dark, so changing dark cannot change its answer"
        ),
    ),
    "attack without against": (
        "    against: confidence\n",
        "",
        ":19: an attack needs against:, the step whose answer it must change",
    ),
    "attack without from": (
        "    from: dark\n",
        "",
        ":19: an attack needs from:, the images that it may change",
    ),
    "unfitted": (
        ", fit_on: held_predictions}",
        "}",
        ':16: uncertainty "scaling" (toys 1.2) must be fitted; name its data with fit_on:',
    ),
    "fitted for nothing": (
        "classifier/tiny}",
        "classifier/tiny, fit_on: held_out}",
        ':12: classifier "tiny" (toys 1.2) is not fitted; drop fit_on:',
    ),
    "fitted on images instead of logits": (
        "fit_on: held_predictions",
        "fit_on: held_out",
        ':16: uncertainty "scaling" (toys 1.2) is fitted on predictions or scores; held_out is a data set',
    ),
    "fitted on logits instead of images": (
        "classifier/tiny}",
        "classifier/trained, fit_on: spread}",
        None,
    ),
    "fit_on beside a definition": (
        "{uses: net, from: held_out}",
        "{uses: net, from: held_out, fit_on: photos}",
        ":15: fit_on: belongs to the definition; write it under net",
    ),
    "parameters beside a definition": (
        "{uses: net, from: held_out}",
        "{uses: net, from: held_out, with: {weights: x}}",
        ":15: with: belongs to the definition; write it under net",
    ),
    "definition used on nothing": (
        "{uses: net, from: photos}",
        "{uses: net}",
        ":13: expected from:, the step or data set that net is used on",
    ),
    "two sources": (
        "{uses: net, from: photos}",
        "{uses: net, from: [photos, held_out]}",
        ":13: expected one step, got 2: photos, held_out",
    ),
    "knowledge without attack": (
        "{uses: net, from: photos}",
        "{uses: net, from: photos, knowledge: grey-box}",
        ':13: knowledge: is for attacks; classifier "tiny" (toys 1.2) is none',
    ),
    "fitted view that stores nothing": (
        "restoration/brighter, from: dark}",
        "restoration/learned, from: dark, fit_on: held_out}",
        (
            ":11: a step that makes images stores nothing, so its fit must stand alone: move uses:, "
            "with: and fit_on: to a step without from:, and write uses: <that step> in enhanced"
        ),
    ),
    "data set as a step": (
        "degradation/darker",
        "dataset/toy_folder",
        ":10: dataset/toy_folder makes data; data sets stand under data:, metrics under metrics:",
    ),
    "step as a data set": (
        "held_out: {uses: dataset/toy_folder",
        "held_out: {uses: classifier/tiny",
        (
            ":5: classifier/tiny makes predictions, and data is expected here; "
            "data sets stand under data:, metrics under metrics:"
        ),
    ),
}


@pytest.mark.parametrize("case", list(_PLACES))
def test_each_broken_rule_has_its_own_message(refuse, pipeline_text, case):
    """One mistake, one finding that says what is expected, what came and what to do."""
    old, new, expected = _PLACES[case]
    assert old in pipeline_text
    found = refuse(pipeline_text.replace(old, new))
    if expected is None:
        assert "circle" in found[0]
    else:
        assert f"pipelines/toy.yaml{expected}" in found


def test_judging_on_the_fitting_data_is_refused(refuse, pipeline_text):
    """Two data sets with one plugin and one set of parameters hold the same samples."""
    text = pipeline_text.replace("path: data/held_out", "path: data/photos")
    (finding,) = refuse(text)
    assert finding == (
        "pipelines/toy.yaml:16: confidence, spread, attacked would be judged on images that fitted "
        "confidence: photos and held_out hold the same images; fit on others, or the numbers flatter"
    )


def test_predicting_the_training_set_is_refused(refuse, pipeline_text):
    """A classifier is not judged on the rows that trained it."""
    text = pipeline_text.replace("classifier/tiny}", "classifier/trained, fit_on: photos}")
    (finding,) = refuse(text)
    assert finding.split(": ")[1] == (
        "clean_predictions, predictions, confidence, spread, attacked would be judged on images "
        "that fitted net"
    )


def test_another_split_of_one_data_set_is_no_leak(plan, pipeline_text):
    """The same plugin with other parameters holds other samples."""
    text = pipeline_text.replace("dataset/toy_folder, with: {path: data/photos}", "dataset/packed")
    text = text.replace(
        "dataset/toy_folder, with: {path: data/held_out}", "dataset/packed, with: {split: train}"
    )
    assert plan(text).data["photos"].location == "data/packed"


def test_a_fitted_view_defined_on_its_own_is_accepted(plan, pipeline_text):
    """What the message above asks for works, and the fit has a stage of its own."""
    text = pipeline_text.replace(
        "  enhanced: {uses: restoration/brighter, from: dark}",
        "  lamp: {uses: restoration/learned, fit_on: held_out}\n"
        "  enhanced: {uses: lamp, from: dark}",
    )
    made = plan(text)
    assert made.steps["enhanced"].role == "view"
    assert made.stage("lamp").metrics is None
    assert "artifacts/toy-under-attack/lamp" in made.stage("predictions").deps
    assert "artifacts/toy-under-attack/lamp" in made.stage("attacked").deps

"""A variable of the matrix in `uses:`: which plugins take turns, in which cells, and which cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

MATRIX = "matrix:\n  severity: [1, 3]\n"


@pytest.fixture
def plan_of(load: Any, toys: Any, pipeline_text: str) -> Callable[..., Any]:
    """Plan the good pipeline with other lines; toys that resemble others are there, too."""

    class Softer(toys.Darker):
        """Darken less."""

        name: ClassVar[str] = "softer"

    class Sure(toys.Tiny):
        """Gives probabilities."""

        name: ClassVar[str] = "sure"
        gives: ClassVar[str] = "probs"

    class Small(toys.Tiny):
        """Another one that gives logits."""

        name: ClassVar[str] = "small"

    class Shove(toys.Push):
        """Push harder."""

        name: ClassVar[str] = "shove"

    class Stronger(toys.Brighter):
        """Has a parameter that the other one lacks."""

        name: ClassVar[str] = "stronger"
        rate: int = 1

    registry = toys.ToyRegistry([*toys.TOYS, Softer, Sure, Small, Shove, Stronger])

    def planned(*changes: tuple[str, str], matrix: str = "") -> Any:
        text = pipeline_text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        text = text.replace("matrix:\n", f"matrix:\n{matrix}")
        return make_plan(load(text), registry)

    return planned


@pytest.fixture
def refused(plan_of: Any) -> Callable[..., str]:
    """Plan what must be refused; return the findings."""

    def findings(*changes: tuple[str, str], matrix: str = "") -> str:
        with pytest.raises(PipelineError) as caught:
            plan_of(*changes, matrix=matrix)
        return "\n".join(caught.value.findings)

    return findings


DARK = ("degradation/darker", "degradation/$way")


def test_each_cell_has_the_plugin_that_its_variable_names(plan_of: Any) -> None:
    """Cells multiply, those of later steps too; parameters go to each of the plugins."""
    plan = plan_of(DARK, matrix="  way: [darker, softer]\n")
    dark = plan.steps["dark"]
    names = {cell.key: dark.entry_of(cell).name for cell in dark.cells}
    assert names == {
        "way=darker,severity=1": "darker",
        "way=darker,severity=3": "darker",
        "way=softer,severity=1": "softer",
        "way=softer,severity=3": "softer",
    }
    for cell in dark.cells:
        plugin = dark.plugins[cell]
        assert plugin.name == names[cell.key]
        assert plugin.severity == int(dict(cell.values)["severity"])
    assert plan.steps["predictions"].variables == ("way", "severity")
    assert dark.entry_of(plan.steps["attacked"].cells[-1]).name == "softer"
    assert plan.uses("dark") == "degradation/$way"
    assert plan.uses("net") == "classifier/tiny"


def test_values_may_have_their_kind_with_them(plan_of: Any) -> None:
    """`uses: $way` reads `degradation/softer`."""
    changes = ("degradation/darker", "$way")
    plan = plan_of(changes, matrix="  way: [degradation/darker, degradation/softer]\n")
    assert [entry.name for entry in plan.steps["dark"].plugin_entries] == ["darker", "softer"]


def test_a_definition_may_be_one_of_several(plan_of: Any) -> None:
    """What uses it has the plugin of its own cell."""
    change = ("classifier/tiny", "classifier/$model")
    plan = plan_of(change, matrix="  model: [tiny, small]\n")
    clean = plan.steps["clean_predictions"]
    assert [clean.entry_of(cell).name for cell in clean.cells] == ["tiny", "small"]
    assert [clean.plugins[cell].name for cell in clean.cells] == ["tiny", "small"]
    assert plan.uses("clean_predictions") == "classifier/$model"


def test_where_each_comes_from_is_in_the_key(plan_of: Any) -> None:
    """The record of a step names each plugin with its source; of one alone it is as it was."""
    plan = plan_of(DARK, matrix="  way: [darker, softer]\n")
    record = plan.resolved["steps"]["dark"]["plugins"]
    assert [one["plugin"] for one in record.values()] == [
        "degradation/darker",
        "degradation/softer",
    ]
    assert all(one["fingerprint"] for one in record.values())
    alone = plan_of(DARK, matrix="  way: [softer]\n").resolved["steps"]["dark"]
    assert alone == record["toys:softer"]


_REFUSED = {
    "unknown": (
        (DARK,),
        "  way: [darker, softr]\n",
        ":11: unknown plugin degradation/softr; did you mean softer?",
    ),
    "undeclared": (
        (("degradation/darker", "degradation/$weg"),),
        "",
        ":10: steps.dark.uses: matrix variable $weg is not declared under matrix:",
    ),
    "inside a word": (
        (("degradation/darker", "degradation/x$way"),),
        "  way: [darker]\n",
        ":11: steps.dark.uses: expected kind/$name or $name, got 'degradation/x$way'",
    ),
    "two kinds": (
        (("degradation/darker", "$way"),),
        "  way: [degradation/darker, restoration/brighter]\n",
        "expected plugins of one kind, got degradation/darker, restoration/brighter",
    ),
    "logits and probabilities": (
        (("classifier/tiny", "classifier/$way"),),
        "  way: [tiny, sure]\n",
        "got: tiny gives logits and is not fitted; sure gives probs and is not fitted; write a step",
    ),
    "fitted and not": (
        (("classifier/tiny", "classifier/$way"),),
        "  way: [tiny, trained]\n",
        "trained gives logits and is fitted on images",
    ),
    "attacks": (
        (("attack/push", "attack/$way"),),
        "  way: [push, shove]\n",
        (
            "attack/$way: a variable stands for degradations, restorations, classifiers, regressors, "
            "calibrators, scores or detectors, not for attacks; write a step for each"
        ),
    ),
    "one attack": (
        (("attack/push", "attack/$way"),),
        "  way: [push]\n",
        "not for attacks; write a step for each",
    ),
    "metrics": (
        (("classifier/tiny}", "classifier/tiny}\n  q: {uses: metric/$way, from: predictions}"),),
        "  way: [ece, accuracy]\n",
        "not for metrics; write a step for each",
    ),
    "a parameter that one lacks": (
        (("restoration/brighter, from: dark}", "restoration/$way, from: dark, with: {rate: 2}}"),),
        "  way: [brighter, stronger]\n",
        'restoration "brighter" (toys 1.2): unknown parameter rate',
    ),
    "one that is fitted, and one that is not": (
        (("restoration/brighter", "restoration/$way"),),
        "  way: [brighter, learned]\n",
        "restoration/$way: expected plugins that differ in their method alone",
    ),
    "a data set": (
        (("dataset/toy_folder, with: {path: data/held_out}", "dataset/$way"),),
        "  way: [toy_folder]\n",
        "a matrix variable may stand only in with:, uses: or bootstrap: of a step, or in rev: of data",
    ),
}


@pytest.mark.parametrize("case", list(_REFUSED))
def test_what_cannot_take_turns_is_refused(case: str, refused: Any) -> None:
    """What was expected, what came, and what to do."""
    changes, matrix, message = _REFUSED[case]
    assert message in refused(*changes, matrix=matrix)


def test_a_fault_of_one_plugin_names_it_once(refused: Any) -> None:
    """The other one accepts the parameter, and severities do not multiply the message."""
    change = (
        "restoration/brighter, from: dark}",
        "restoration/$way, from: dark, with: {rate: 2, gain: $severity}}",
    )
    found = refused(change, matrix="  way: [brighter, stronger]\n")
    assert found.count("unknown parameter rate") == 1
    assert "stronger" not in found

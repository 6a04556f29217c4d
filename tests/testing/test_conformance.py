"""The kit itself: what becomes of a check, and what is refused before any is tried."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest
from kit_subjects import Admits, Copy, Fixed, Halved, Search
from pydantic import field_validator

from adversity import Degradation
from adversity.contracts import Kind
from adversity.errors import InputError
from adversity.testing import KIT, Check, ConformanceError, check_plugin
from adversity.testing.bench.bench import bench_class
from adversity.testing.kinds.degradation import DegradationBench

if TYPE_CHECKING:
    from adversity.contracts import PluginBase


class ColourOnly(Copy):
    """Refuse grey images."""

    def degrade(self, images: Any, rng: Any) -> Any:
        if images.shape[1] != 3:
            raise InputError("colour_only: expected three channels, got one")
        return images.clone()


def status(plugin: type[PluginBase], name: str) -> str:
    """Return what became of one check."""
    (outcome,) = check_plugin(plugin, only=[name], raises=False).outcomes
    return outcome.status


@pytest.mark.parametrize(
    ("plugin", "name", "expected"),
    [
        (Copy, "gradient_is_right", "passed"),
        (Copy, "severity_goes_further", "skipped"),
        (Halved, "gradient_is_right", "failed"),
        (Admits, "gradient_is_right", "expected"),
        (Fixed, "gradient_is_right", "fixed"),
    ],
)
def test_status(plugin: type[PluginBase], name: str, expected: str) -> None:
    """A check passes, fails, does not apply, fails as declared, or passes against what is said."""
    assert status(plugin, name) == expected


def test_declared_failure_is_no_failure_and_keeps_its_figures() -> None:
    """What fails as declared speaks against nobody; reason and finding are both told."""
    found = check_plugin(Admits)
    (outcome,) = (o for o in found.outcomes if o.status == "expected")
    assert found.passed
    assert outcome.message.startswith("the other half is behind a wall (expected gradients")


def test_declaration_that_no_longer_holds_is_a_failure() -> None:
    """A check that passes although the class says it fails must be fixed in the class."""
    with pytest.raises(ConformanceError, match="remove the entry"):
        check_plugin(Fixed)


def test_declared_failure_may_concern_some_parameters_only() -> None:
    """Where a check fails as declared with one set of parameters, it may pass with another."""

    class Partly(Copy):
        """Hand on half of the gradient, or all of it."""

        share: float = 0.5
        examples: ClassVar[Any] = ({"share": 0.5}, {"share": 1.0})
        expected_failures: ClassVar[Any] = {"gradient_is_right": "half of it is lost below one"}

        def degrade(self, images: Any, rng: Any) -> Any:
            return self.share * images + (1 - self.share) * images.detach()

    found = check_plugin(Partly, only=["gradient_is_right"])
    assert [outcome.status for outcome in found.outcomes] == ["expected", "passed"]


def test_each_check_runs_once_for_each_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking whether a declared failure holds elsewhere does not run the check there twice."""
    tried: list[Any] = []

    def counted(bench: Any) -> str:
        tried.append(bench.parameters["number"])
        return "fine"

    class Three(Copy):
        """Say that something fails which never does."""

        number: int = 1
        examples: ClassVar[Any] = tuple({"number": number} for number in (1, 2, 3))
        expected_failures: ClassVar[Any] = {"counted": "it was broken once"}

    monkeypatch.setattr(DegradationBench, "checks", (Check("counted", "It holds.", counted),))
    found = check_plugin(Three, only=["counted"], raises=False)
    assert [outcome.status for outcome in found.outcomes] == ["fixed"] * 3
    assert sorted(tried) == [1, 2, 3]


def test_broken_promise_raises_and_is_told() -> None:
    """The error names plugin, check and finding; with `raises=False` the result does."""
    with pytest.raises(ConformanceError) as caught:
        check_plugin(Halved)
    text = str(check_plugin(Halved, raises=False))
    assert 'degradation "copy"' in text.splitlines()[0]
    assert "gradient_is_right: expected gradients within 5%" in text
    assert text == str(caught.value)


@pytest.mark.parametrize("where", ["only", "expected_failures"])
def test_unknown_check_is_refused(where: str) -> None:
    """A misspelt name of a check is an error with a suggestion, wherever it stands."""

    class Misspelt(Copy):
        """Name a check that is not there."""

        expected_failures: ClassVar[Any] = {"aloen": "never"}

    given = {"only": ["aloen"]} if where == "only" else {}
    with pytest.raises(
        InputError, match=rf"{where}: there is no check 'aloen'; did you mean alone"
    ):
        check_plugin(Copy if where == "only" else Misspelt, **given)


@pytest.mark.parametrize("wrong", [3, "copy", int, Copy()])
def test_what_is_no_plugin_class_is_refused(wrong: Any) -> None:
    """Only a plugin's class can be checked, and the message says what to derive from."""
    with pytest.raises(InputError, match="expected a plugin's class"):
        check_plugin(wrong)


def test_class_that_cannot_be_made_is_refused() -> None:
    """A contract, or a class without its method, is refused by what it lacks."""
    with pytest.raises(InputError, match="Degradation has no degrade"):
        check_plugin(Degradation)


def test_kind_without_a_file_is_refused() -> None:
    """A kind that the kit does not know is named, not a missing module."""

    class Strange(Copy):
        """Be of a kind that nobody knows."""

    Strange.describes = Kind(name="sorcery", hook="adversity_sorceries", noun="a spell")
    with pytest.raises(InputError, match="no checks for plugins of kind 'sorcery'"):
        bench_class(Strange)


def test_parameters_and_examples_are_tried() -> None:
    """Given parameters come first, then the class's examples, then those of its kind."""

    class Two(Copy):
        """Change nothing, with a number that does nothing."""

        number: int = 1
        examples: ClassVar[Any] = ({"number": 2}, {"number": 3})

    def numbers(**options: Any) -> list[Any]:
        found = check_plugin(Two, only=["identity"], **options)
        return [outcome.parameters.get("number") for outcome in found.outcomes]

    assert numbers() == [2, 3]
    assert numbers(parameters={"number": 7}) == [7]


def test_nothing_tried_is_not_passed() -> None:
    """Where no check that was run applies, the plugin has not passed, and that is said."""
    found = check_plugin(Copy, only=["severity_goes_further"], raises=False)
    assert (found.passed, found.failures) == (False, ())
    assert "nothing was tried" in str(found)
    with pytest.raises(ConformanceError, match="nothing was tried"):
        check_plugin(Copy, only=["severity_goes_further"])


def test_norm_that_is_any_text_is_tried_with_those_it_takes() -> None:
    """An attack whose norm is a text without a default is tried, once for each it takes."""

    class AnyText(Search):
        """Take the norm as a text."""

        norm: str  # type: ignore[assignment]

        @field_validator("norm")
        @classmethod
        def _is_known(cls, norm: str) -> str:
            if norm == "l1":
                raise ValueError("expected linf or l2")
            return norm

    found = check_plugin(AnyText, only=["identity", "budget"])
    norms = [outcome.parameters["norm"] for outcome in found.outcomes]
    assert norms == ["linf", "linf", "l2", "l2"]


def test_no_parameters_to_try_is_an_error() -> None:
    """A plugin that the kit finds no parameters for has not passed: `examples` must name some."""

    class Unheard(Search):
        """Measure in a norm that the kit does not know."""

        norm: Literal["l7"]  # type: ignore[assignment]

    with pytest.raises(InputError, match="expected parameters to try, the kit finds none for"):
        check_plugin(Unheard)


def test_as_json_is_json_and_complete() -> None:
    """The JSON holds every outcome with what a reader needs."""
    record = json.loads(json.dumps(check_plugin(Admits).as_json()))
    assert (record["kind"], record["name"], record["kit"]) == ("degradation", "copy", KIT)
    assert record["passed"] is True
    assert {"check", "promise", "parameters", "status", "message", "seconds"} <= set(
        record["outcomes"][0]
    )
    assert len({outcome["check"] for outcome in record["outcomes"]}) == len(record["outcomes"])


def test_progress_is_told_as_it_goes() -> None:
    """The callback hears of each outcome in order."""
    heard: list[str] = []
    found = check_plugin(
        Copy, only=["identity", "alone"], progress=lambda outcome: heard.append(outcome.check)
    )
    assert heard == [outcome.check for outcome in found.outcomes] == ["identity", "alone"]


@pytest.mark.parametrize("error", [SystemExit(2), ValueError("no"), RecursionError("deep")])
def test_whatever_a_plugin_raises_is_an_outcome(error: BaseException) -> None:
    """An exception, SystemExit among them, ends no host: it is told with its place."""

    class Raises(Copy):
        """Raise while it is set up."""

        def setup(self, device: str) -> None:
            raise error

    found = check_plugin(Raises, raises=False)
    (failure,) = found.failures
    assert failure.check == "answers"
    assert f"{type(error).__name__}: {error}" in failure.message
    assert "(raised by setup in test_conformance.py" in failure.message


def test_interrupt_goes_through() -> None:
    """Ctrl-C ends the kit, not one check."""

    class Interrupts(Copy):
        """Be interrupted."""

        def degrade(self, images: Any, rng: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_plugin(Interrupts)


def test_nothing_answered_is_told_once() -> None:
    """Where no case is answered, the other checks do not apply and say where to look."""

    class Silent(Copy):
        """Return nothing."""

        def degrade(self, images: Any, rng: Any) -> Any:
            return None

    found = check_plugin(Silent, raises=False)
    assert [outcome.check for outcome in found.failures] == ["answers"]
    skipped = [outcome.message for outcome in found.outcomes if outcome.check == "alone"]
    assert skipped == ["it answers no case, so that this cannot be tried: see `answers`"]


def test_refused_cases_are_left_out_of_the_other_checks() -> None:
    """A plugin that takes colour only fails `answers`; the rest is tried on colour."""

    found = check_plugin(ColourOnly, raises=False)
    assert [outcome.check for outcome in found.failures] == ["answers"]
    assert "4 cases, 1 have none; for 3 grey images" in found.failures[0].message
    assert status(ColourOnly, "alone") == "passed"

"""The kit itself: what becomes of a check, and that the host is left as it was."""

from __future__ import annotations

import json
import os
import random
import sys
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from adversity import Degradation
from adversity.errors import InputError
from adversity.testing import KIT, ConformanceError, check_plugin, parametrize_with_checks
from adversity.testing.bench import bench_class
from adversity.testing.checks import apart
from adversity.testing.conformance import trials
from adversity.testing.host import host_as_found

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import PluginBase

pytest_plugins = ["pytester"]


class Copy(Degradation):
    """Change nothing."""

    name: ClassVar[str] = "copy"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: Any, rng: Any) -> Any:
        return images.clone()


class Halved(Copy):
    """Claim a gradient and hand on half of it."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return (images + images.detach()) / 2


class Admits(Halved):
    """Hand on half of the gradient and say so."""

    expected_failures: ClassVar[Any] = {"gradient_is_right": "the other half is behind a wall"}


class Mended(Copy):
    """Say that something fails which does not."""

    expected_failures: ClassVar[Any] = {"gradient_is_right": "it was broken once"}


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
        (Mended, "gradient_is_right", "mended"),
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
    """A check that passes although the class says it fails must be mended in the class."""
    with pytest.raises(ConformanceError, match="remove the entry"):
        check_plugin(Mended)


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

    Strange.kind = "sorcery"
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
    assert f"{type(error).__name__}: {error} (raised by setup in test_conformance.py" in (
        failure.message
    )


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


def _meddle(folder: Path) -> None:
    """Change whatever a careless plugin changes."""
    import torch

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002  (what must not be done)
    torch.manual_seed(5)
    warnings.simplefilter("ignore")
    os.chdir(folder)
    os.environ["MEDDLED"] = "1"
    sys.settrace(lambda *_: None)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    np.seterr(all="raise")


def _host() -> dict[str, Any]:
    """Return everything of the process that a plugin might change."""
    import torch

    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[index]  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "filters": list(warnings.filters),
        "folder": os.getcwd(),  # noqa: PTH109  (the very thing)
        "environment": dict(os.environ),
        "trace": sys.gettrace(),
        "profile": sys.getprofile(),
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "numpy errors": np.geterr(),
    }


def test_host_is_left_as_it_was(tmp_path: Path) -> None:
    """Random states, filters, folder, environment, trace function and settings come back."""
    before = _host()
    with host_as_found():
        _meddle(tmp_path)
        assert sum(before[name] != value for name, value in _host().items()) >= 10
    assert _host() == before


def test_plugin_that_meddles_leaves_the_host_alone(tmp_path: Path) -> None:
    """The same holds for a plugin that is checked, and for one that raises in the middle."""

    class Meddles(Copy):
        """Change the process and fail."""

        def degrade(self, images: Any, rng: Any) -> Any:
            _meddle(tmp_path)
            raise RuntimeError("and away")

    before = _host()
    assert not check_plugin(Meddles, raises=False).passed
    assert _host() == before


def test_host_comes_back_from_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A plugin that deletes the folder it went to does not keep us there."""
    gone, before = tmp_path / "gone", os.getcwd()  # noqa: PTH109  (the very thing)
    gone.mkdir()
    with host_as_found():
        os.chdir(gone)
        gone.rmdir()
    assert os.getcwd() == before  # noqa: PTH109


def test_labels_are_readable_and_different() -> None:
    """Each test of a report has a name of its own: plugin, parameters, check."""
    labels = [trial.label for trial in trials(Copy)]
    assert "copy-alone" in labels
    assert len(set(labels)) == len(labels)


def test_pytest_sees_each_status(pytester: pytest.Pytester) -> None:
    """As pytest tests: passed, failed, skipped, expected as xfail, mended as failure."""
    pytester.makepyfile(
        """
        from tests_subject import Admits, Copy, Halved, Mended
        from adversity.testing import parametrize_with_checks

        @parametrize_with_checks([Copy, Halved, Admits, Mended])
        def test_it(check):
            check()
        """
    )
    pytester.makepyfile(tests_subject=_SUBJECT)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "gradient or severity")
    result.assert_outcomes(passed=1, failed=2, skipped=4, xfailed=1)
    result.stdout.fnmatch_lines(["*copy-gradient_is_right*"])


_SUBJECT = '''
from typing import ClassVar
from adversity import Degradation

class Copy(Degradation):
    """Change nothing."""
    name: ClassVar[str] = "copy"
    differentiable: ClassVar[bool] = True
    def degrade(self, images, rng):
        return images.clone()

class Halved(Copy):
    """Hand on half of the gradient."""
    def degrade(self, images, rng):
        return (images + images.detach()) / 2

class Admits(Halved):
    """Say so."""
    expected_failures: ClassVar = {"gradient_is_right": "the other half is behind a wall"}

class Mended(Copy):
    """Say that something fails which does not."""
    expected_failures: ClassVar = {"gradient_is_right": "it was broken once"}
'''


@parametrize_with_checks([Copy])
def test_checks_as_tests(check: Any) -> None:
    """The decorator works in a plugin author's tests as it does here."""
    check()


def test_distance_of_tensors() -> None:
    """Infinities of one sign are equal, shapes and NaN are infinitely far."""
    import torch

    infinite = torch.tensor([1.0, float("inf")])
    assert apart(infinite, infinite.clone()) == 0
    assert apart(infinite, -infinite) == float("inf")
    assert apart(torch.zeros(2), torch.zeros(3)) == float("inf")
    assert apart(torch.tensor([float("nan")]), torch.zeros(1)) == float("inf")
    assert apart(torch.tensor([True, False]), torch.tensor([True, True])) == 1
    assert apart(torch.zeros(0), torch.zeros(0)) == 0

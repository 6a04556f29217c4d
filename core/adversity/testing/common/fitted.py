"""What a plugin promises that learns from data before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from adversity.contracts import Fitted, State
from adversity.contracts.fitted import VALIDATE, VALIDATION
from adversity.engine.calls.ready import BREAKS
from adversity.engine.public.in_memory import learnt
from adversity.errors import AdversityError, NotFittedError
from adversity.testing.bench.checks import (
    Failed,
    NotApplicable,
    check,
    error_line,
    furthest,
    require,
)
from adversity.testing.common.interrupted import as_text, ends_as_undisturbed
from adversity.testing.common.row_by_row import seed_everything
from adversity.testing.common.weighted import weights_count

if TYPE_CHECKING:
    from adversity.engine.calls.ready import Ready
    from adversity.testing.bench.bench import Bench

__all__ = ["ANOTHER_SEED", "CHECKS"]


ANOTHER_SEED = 20_260_107
"""No check leaves the generators in its state: what the bench learnt earlier began in another one."""


def _learnt(bench: Bench) -> State:
    """Return what the plugin learns with the bench's parameters."""
    return cast("State", bench.learnt())


@check("Before anything was fitted there is no answer.")
def unfitted_refuses(bench: Bench) -> str:
    """Call the method of a new plugin; a crash is no refusal, `NotFittedError` is."""
    ready, case = bench.set_up(bench.make()), bench.answered[0]
    try:
        bench.answer(ready, case)
    except NotFittedError as error:
        return f"refuses: {error}"
    except BREAKS as error:
        raise Failed(f"expected NotFittedError before fitting, got {error_line(error)}") from error
    raise Failed("expected NotFittedError before fitting, got an answer")


@check("Fitting twice on the same data finds the same, to the last bit.")
def same_fit(bench: Bench) -> str:
    """Fit another plugin than the bench's, with the global generators moved between."""
    seed_everything(1)
    first = as_text(_learnt(bench))
    seed_everything(ANOTHER_SEED)
    second = as_text(bench.fit()[1])
    names = first.keys() | second.keys()
    different = sorted(name or "info" for name in names if first.get(name) != second.get(name))
    require(not different, f"expected the same state twice, {', '.join(different)} differ")
    return f"{len(first) - 1} array(s)"


@check("Fitting returns what was learnt and keeps nothing.")
def fit_keeps_nothing(bench: Bench) -> str:
    """Compare a plugin that was fitted with a new one: they must refuse or answer alike."""
    new, fitted = bench.set_up(bench.make()), bench.fit()[0]
    before, after = _answered(bench, new), _answered(bench, fitted)
    require(
        before == after,
        f"expected a plugin that was fitted to be as before until `load`, it {after[0]} where a "
        f"new one {before[0]}: `fit` returns its state and keeps nothing",
    )
    return f"a plugin {after[0]} after `fit` as before it"


def _answered(bench: Bench, ready: Ready) -> tuple[str, object]:
    """Return whether a plugin answers, and what, so that `==` compares it to the last bit."""
    try:
        answer = bench.answer(ready, bench.answered[0])
    except AdversityError:
        return "refuses", None
    return "answers", {name: value.numpy().tobytes() for name, value in answer.items()}


@check("What was learnt survives being stored: arrays as safetensors, the rest as JSON.")
def state_is_stored(bench: Bench) -> str:
    """Write the state as a run does, read it back, load it and compare the answers."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from adversity.data.arrays import read_arrays, write_arrays

    state = _learnt(bench)
    with TemporaryDirectory(prefix="adversity-") as folder:
        file = Path(folder) / "state.safetensors"
        write_arrays(file, dict(state.arrays), dict(state.info))
        arrays, info = read_arrays(file)
    answers = [
        bench.answer(bench.set_up(bench.make(), loaded), bench.answered[0])
        for loaded in (state, State(arrays, info))
    ]
    name, gap = furthest(*answers)
    require(gap == 0, f"expected the same {name} from the stored state, got {gap:.3g} apart")
    return f"{sum(value.nbytes for value in state.arrays.values())} bytes of arrays"


@check("It is fitted on what it needs, with any source that it may take, and without.")
def takes_its_sources(bench: Bench) -> str:
    """Fit it on what it needs and one source more, each in turn; then on all of them."""
    may_take = cast("type[Fitted]", bench.cls).may_take
    if not may_take:
        raise NotApplicable("it takes no source that it does not need")
    for names in dict.fromkeys([*((name,) for name in may_take), may_take]):
        ready = bench.set_up(bench.make())
        try:
            state = learnt(ready, bench.sources(*names), 0)
            bench.answer(bench.set_up(bench.make(), state), bench.answered[0])
        except BREAKS as error:
            raise Failed(
                f"expected to be fitted with {' and '.join(names)} as well, got {error_line(error)}"
            ) from error
    return f"with and without {', '.join(may_take)}"


@check("What each epoch records can be recorded on what it is fitted on.")
def history_can_be_had(bench: Bench) -> str:
    """Look at what the class declares; that fits record just that is seen whenever it is fitted."""
    cls = cast("type[Fitted]", bench.cls)
    if not cls.history:
        raise NotApplicable("it records nothing while it is fitted")
    wrong = [name for name in cls.history if name == "epoch" or not name.isidentifier()]
    require(not wrong, f"history: expected other names than {', '.join(wrong)}, as keywords are")
    validating = [name for name in cls.history if name.startswith(VALIDATION)]
    require(
        not validating or VALIDATE in (*cls.fit_sources, *cls.may_take),
        f"history: {', '.join(validating)} need a source {VALIDATE}, which it does not take",
    )
    return ", ".join(cls.history)


CHECKS = (
    unfitted_refuses,
    same_fit,
    fit_keeps_nothing,
    state_is_stored,
    takes_its_sources,
    history_can_be_had,
    ends_as_undisturbed,
    weights_count,
)

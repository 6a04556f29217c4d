"""What every plugin promises, whatever its kind."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adversity.contracts import API_VERSION
from adversity.contracts.plugin import OLDEST_API, SNAKE_CASE, takes_text
from adversity.engine.calls.networks import networks_of
from adversity.registry.claims import alias_faults, licence_faults
from adversity.registry.entry import UNKNOWN_LICENCE, licence_of
from adversity.testing.bench.checks import Failed, NotApplicable, apart, check, furthest, require
from adversity.testing.bench.host import host_left_alone
from adversity.testing.bench.networks import found_state
from adversity.testing.common.light_import import light_import
from adversity.testing.common.row_by_row import seed_everything

if TYPE_CHECKING:
    from adversity.testing.bench.bench import Bench

__all__ = ["CHECKS"]


@check("The class says who it is: name, summary and the contract's version; its licence is shown.")
def identity(bench: Bench) -> str:
    """Try the class attributes that users and the catalogue read."""
    cls = bench.cls
    require(
        SNAKE_CASE.fullmatch(cls.name),
        f"expected `name` in snake_case, got {cls.name!r}",
    )
    require(
        cls.summary().endswith("."),
        "expected a docstring whose first line is a sentence that users read in the catalogue, "
        f"got {cls.summary()!r}",
    )
    fault = next(licence_faults(cls), None)
    require(fault is None, f"{fault}")
    require(
        OLDEST_API <= cls.api <= API_VERSION,
        f"expected `api` from {OLDEST_API} to {API_VERSION}, the contracts that this version knows, "
        f"got {cls.api}",
    )
    return f"{cls.name}, licence {licence_of(cls) or UNKNOWN_LICENCE}, contract {cls.api}"


@check("Parameters are validated: what is unknown, infinite or of a wrong type is refused.")
def parameters(bench: Bench) -> str:
    """Try a parameter that cannot exist, and for each number infinity and a word."""
    alias = next(alias_faults(bench.cls), None)
    require(alias is None, f"{alias}")
    wrong: list[tuple[str, Any]] = [("no_such_parameter_", 1)]
    wrong += [(name, float("inf")) for name in _numbers(bench)]
    wrong += [
        (name, "a word")
        for name in _numbers(bench)
        if not takes_text(bench.cls.model_fields[name].annotation)
    ]
    for name, value in wrong:
        try:
            bench.make(**{name: value})
        except (ValidationError, TypeError):
            continue
        raise Failed(f"expected {name}={value!r} to be refused, it was taken")
    plugin = bench.make()
    for name in type(plugin).model_fields:
        with suppress(ValidationError):
            setattr(plugin, name, None)
            raise Failed(f"expected a parameter that cannot be set afterwards, {name!r} can")
    return f"{len(wrong)} wrong values refused"


def _numbers(bench: Bench) -> list[str]:
    """Return the names of the parameters that are numbers now; True and False are none."""
    parameters = bench.make().parameters.items()
    return [
        name
        for name, value in parameters
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


@check("Equal parameters make equal plugins, and a pickled plugin is the same plugin.")
def pickles(bench: Bench) -> str:
    """Pickle and rebuild, as workers do; the answer must not change."""
    import pickle

    plugin = bench.make()
    require(plugin == bench.make(), "expected two plugins of equal parameters to be equal")
    written = pickle.dumps(plugin)
    copy = pickle.loads(written)
    require(copy == plugin, f"expected the pickled plugin to be equal, got {copy!r}")
    case = bench.answered[0]
    again = bench.set_up(copy, bench.learnt())
    first, second = bench.whole(case), bench.answer(again, case)
    name, gap = furthest(first, second)
    require(gap == 0, f"expected the same {name} from a pickled plugin, got {gap:.3g} apart")
    return f"{len(written)} bytes"


@check("Every answer has the promised shape, type and range, for each size and channel count.")
def answers(bench: Bench) -> str:
    """Run all cases through the final call, whose checks raise.

    The other checks go on with the cases that are answered.
    """
    names = [case.name for case in bench.cases()]
    if bench.refused:
        name, reason = next(iter(bench.refused.items()))
        raise Failed(
            f"expected an answer for each of {len(names)} cases, {len(bench.refused)} have none; "
            f"for {name}: {reason}"
        )
    return "; ".join(names)


@check("The input is left alone.")
def input_untouched(bench: Bench) -> str:
    """Compare what went in with a copy."""
    import torch

    _require_input(bench)
    for case in bench.effort.some(bench.answered, 1, "cases"):
        before = {name: value.clone() for name, value in case.rows.items()}
        bench.answer(bench.ready, case)
        for name, value in case.rows.items():
            require(
                torch.equal(value, before[name]),
                f"expected {name} as they were after the call on {case.name}, they changed by up "
                f"to {apart(value, before[name]):.3g}",
            )
    return "no value changed"


def _require_input(bench: Bench) -> None:
    if not any(case.rows for case in bench.cases()):
        raise NotApplicable(f"no tensor goes into a {bench.cls.kind}")


@check("What a call leaves behind does not change the next one.")
def no_memory(bench: Bench) -> str:
    """Ask a plugin that has seen other input, and new ones, for the first two cases.

    A new one for each: what a plugin remembers of its first call is in all its later answers.
    """
    first, *others = bench.answered
    ready = bench.fresh()
    news = [(first, bench.answer(ready, first))]
    for case in others:
        bench.answer(ready, case)
    news += [(case, bench.answer(bench.fresh(), case)) for case in others[:1]]
    for case, new in news:
        name, gap = furthest(new, bench.answer(ready, case))
        require(
            gap == 0,
            f"expected the same {name} for {case.name} after other calls as from a new plugin, "
            f"they differ by up to {gap:.3g}",
        )
    return "the same answer before and after other calls"


@check("The global random state of Python, NumPy and torch is left alone.")
def global_random_state(bench: Bench) -> str:
    """Compare the three states before and after a call, having moved them.

    A call that only sets a seed leaves the state that the last such call left. Making a network
    in `setup` draws its first weights from torch's generator; there the engine puts the state
    back.
    """
    case, ready = bench.answered[0], bench.fresh()
    seed_everything(_NOBODYS_SEED)
    before = _states()
    bench.answer(ready, case)
    moved = [name for name, state in _states().items() if state != before[name]]
    require(
        not moved,
        f"expected the global random state as it was, {' and '.join(moved)} moved: draw from `rng`",
    )
    return "three states as found"


_NOBODYS_SEED = 2_718_281
"""Another than plugins set, so that setting one shows."""


def _states() -> dict[str, Any]:
    import random

    import numpy as np
    import torch

    numpy_state: Any = np.random.get_state()  # noqa: NPY002  (the old global state)
    return {
        "Python's": random.getstate(),
        "NumPy's": (bytes(numpy_state[1]), numpy_state[2:]),
        "torch's": bytes(torch.get_rng_state().numpy()),
    }


@check("No network of the plugin is left in another mode, with other buffers or a gradient.")
def modes_and_buffers(bench: Bench) -> str:
    """Compare mode, hooks, buffers, weights and gradients of a new plugin's networks."""
    ready = bench.fresh()
    networks = networks_of(ready.plugin)
    if not networks:
        raise NotApplicable("the plugin holds no network")
    before = [found_state(network) for network in networks]
    for case in bench.effort.some(bench.answered, 1, "cases"):
        bench.answer(ready, case)
    for network, old in zip(networks, before, strict=True):
        now = found_state(network)
        changed = [name for name, value in old.items() if now[name] != value]
        require(
            not changed,
            f"expected {type(network).__name__} as it was, its {', '.join(changed)} changed",
        )
    return f"{len(networks)} network(s) as found"


@check("On another device the answer is the same.")
def device(bench: Bench) -> str:
    """Compute on an accelerator where there is one.

    1e-3, as a share of values above 1: by default, PyTorch's convolutions on NVIDIA
    cards cut their factors to ten binary digits (TF32), 5e-4 of each.
    """
    _require_input(bench)
    name = second_device()
    if name is None:
        raise NotApplicable("there is no second device here")
    other = type(bench)(bench.cls, bench.parameters, is_example=bench.is_example, device=name)
    case = bench.answered[0]
    ours, theirs = bench.answer(bench.ready, case), other.answer(other.ready, case)
    what, gap = furthest(
        *({key: value.cpu() for key, value in answers.items()} for answers in (ours, theirs)),
        relative=True,
    )
    require(gap <= 1e-3, f"expected the same {what} on {name}, they differ by up to {gap:.3g}")
    return f"differs by at most {gap:.1g} on {name}"


def second_device() -> str | None:
    """Return an accelerator's name, or None where there is none."""
    import torch

    return "cuda" if torch.cuda.is_available() else None


CHECKS = (
    identity,
    parameters,
    pickles,
    light_import,
    answers,
    input_untouched,
    no_memory,
    global_random_state,
    host_left_alone,
    modes_and_buffers,
    device,
)

"""What every plugin promises, whatever its kind."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adversity.contracts import API_VERSION
from adversity.testing.bench import networks_of
from adversity.testing.checks import Failed, NotApplicable, apart, check, require
from adversity.testing.host import host_left_alone

if TYPE_CHECKING:
    from adversity.testing.bench import Bench

__all__ = ["CHECKS"]


@check("The class says who it is: name, summary, licence and the contract's version.")
def identity(bench: Bench) -> str:
    """Try the class attributes that users and the catalogue read."""
    cls = bench.cls
    require(
        re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", cls.name),
        f"expected `name` in snake_case, got {cls.name!r}",
    )
    require(
        cls.summary().endswith("."),
        "expected a docstring whose first line is a sentence that users read in the catalogue, "
        f"got {cls.summary()!r}",
    )
    require(cls.licence, "expected `licence`, the SPDX id of the code's licence, got nothing")
    require(
        cls.api == API_VERSION,
        f"expected `api` = {API_VERSION}, the contract of this version, got {cls.api}",
    )
    return f"{cls.name}, {cls.licence}, contract {cls.api}"


@check("Parameters are validated: what is unknown, infinite or of a wrong type is refused.")
def parameters(bench: Bench) -> str:
    """Try a parameter that cannot exist, and for each number infinity and a word."""
    wrong: list[tuple[str, Any]] = [("no_such_parameter_", 1)]
    wrong += [(name, float("inf")) for name in _numbers(bench)]
    wrong += [(name, "a word") for name in _numbers(bench) if not _takes_text(bench, name)]
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
    found = bench.make().parameters.items()
    return [
        name
        for name, value in found
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _takes_text(bench: Bench, name: str) -> bool:
    return "str" in repr(bench.cls.model_fields[name].annotation)


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
    first, second = bench.answer(bench.fresh(), case), bench.answer(bench.set_up(copy), case)
    gap = max(apart(value, second[name]) for name, value in first.items())
    require(gap == 0, f"expected the same answer from a pickled plugin, got {gap:.3g} apart")
    return f"{len(written)} bytes"


@check("Importing the plugin's module imports no torch, so that listing plugins stays fast.")
def light_import(bench: Bench) -> str:
    """Import the module in another Python and look which modules came with it."""
    module = bench.cls.__module__
    heavy = _heavy_imports(module)
    if heavy is None:
        raise NotApplicable(f"{module} cannot be imported by name in another Python")
    require(
        not heavy,
        f"expected no torch, got {', '.join(heavy)}: import it inside methods, and networks in "
        "a file of their own that `setup` imports",
    )
    return f"{module} imports neither torch nor torchvision"


@cache
def _heavy_imports(module: str) -> tuple[str, ...] | None:
    """Return which heavy packages come with a module; None if it cannot be imported by name."""
    import subprocess
    import sys

    code = (
        f"import sys, importlib; importlib.import_module({module!r}); "
        "print('came:', *sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )
    # -P: installed modules count, not what lies in the current folder, such as tests.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        return None
    # A module may print as well: what counts is the last line.
    return tuple(done.stdout.splitlines()[-1].split()[1:])


@check("Every answer has the promised shape, type and range, for each size and channel count.")
def answers(bench: Bench) -> str:
    """Run all cases through the final call, whose checks raise.

    The other checks go on with the cases that are answered.
    """
    names = [case.name for case in bench.cases()]
    for name, reason in bench.refused.items():
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
    for case in bench.answered:
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
        after = bench.answer(ready, case)
        for name, value in new.items():
            gap = apart(value, after[name])
            require(
                gap == 0,
                f"expected the same {name} for {case.name} after other calls as from a new plugin, "
                f"they differ by up to {gap:.3g}",
            )
    return "the same answer before and after other calls"


@check("The global random state of Python, NumPy and torch is left alone.")
def global_random_state(bench: Bench) -> str:
    """Compare the three states before and after a call.

    Making a network in `setup` draws its first weights from torch's generator; there the
    engine puts the state back.
    """
    case, ready = bench.answered[0], bench.fresh()
    before = _states()
    bench.answer(ready, case)
    moved = [name for name, state in _states().items() if state != before[name]]
    require(
        not moved,
        f"expected the global random state as it was, {' and '.join(moved)} moved: draw from `rng`",
    )
    return "three states as found"


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
    """Compare mode, buffers, weights and gradients of a new plugin's networks."""
    import torch

    ready = bench.fresh()
    networks = networks_of(ready.plugin)
    if not networks:
        raise NotApplicable("the plugin holds no network")
    before = [_state(network) for network in networks]
    for case in bench.answered:
        bench.answer(ready, case)
    for network, (modes, values, grads) in zip(networks, before, strict=True):
        now = _state(network)
        what = type(network).__name__
        require(now[0] == modes, f"expected {what} in the mode it was in, it changed")
        changed = [name for name, value in values.items() if not torch.equal(now[1][name], value)]
        require(not changed, f"expected {what} unchanged, got other values in {changed}")
        require(now[2] == grads, f"expected no gradient left in {what}, got one")
    return f"{len(networks)} network(s) as found"


def _state(network: Any) -> tuple[list[bool], dict[str, Any], list[bool]]:
    return (
        [part.training for part in network.modules()],
        {name: value.clone() for name, value in network.state_dict().items()},
        [weight.grad is not None for weight in network.parameters()],
    )


@check("On another device the answer is the same.")
def device(bench: Bench) -> str:
    """Compute on an accelerator where there is one. 1e-3: kernels there round otherwise."""
    _require_input(bench)
    name = second_device()
    if name is None:
        raise NotApplicable("there is no second device here")
    other = type(bench)(bench.cls, bench.parameters, device=name)
    case = bench.answered[0]
    ours, theirs = bench.answer(bench.ready, case), other.answer(other.ready, case)
    gap = max(apart(ours[name].cpu(), theirs[name].cpu()) for name in ours)
    require(gap <= 1e-3, f"expected the same answer on {name}, it differs by up to {gap:.3g}")
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

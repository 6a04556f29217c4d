"""A plugin on the bench: how the kit makes it, feeds it and reads its answer."""

from __future__ import annotations

import shutil
import weakref
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.contracts import Fitted
from adversity.contracts.nested import resolving
from adversity.contracts.project_files import project_files
from adversity.distributions import place_of
from adversity.engine.calls.ready import BREAKS
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.in_memory import learnt, with_sources
from adversity.errors import InputError
from adversity.pipeline.plan.nested import all_nested, from_registry, resolver
from adversity.pipeline.plan.plugins import attempt
from adversity.registry import discover
from adversity.testing.bench.checks import NotApplicable, error_line
from adversity.testing.bench.effort import Effort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Plugin, PluginBase, State
    from adversity.contracts.project_files import ProjectFile
    from adversity.engine.calls.ready import Ready
    from adversity.engine.public.in_memory import TensorRows
    from adversity.testing.bench.checks import Check

__all__ = [
    "Answer",
    "Bench",
    "Case",
    "bench_class",
    "built",
]

Answer = dict[str, "Tensor"]
"""What came out, each with first axis N."""


@dataclass(frozen=True, slots=True)
class Case:
    """Input for some samples.

    Attributes:
        name: For messages, another for each case: `5 colour images of 32 x 40`.
        rows: Named tensors, each with first axis N.
        ids: N sample ids.
    """

    name: str
    rows: Mapping[str, Tensor]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        """Return N."""
        return len(self.ids)

    def take(self, index: Sequence[int]) -> Case:
        """Return some rows, in the order given; a row may come twice."""
        chosen = list(index)
        return Case(
            f"rows {chosen} of {self.name}",
            {name: value[chosen] for name, value in self.rows.items()},
            tuple(self.ids[i] for i in chosen),
        )


class Bench(ABC):
    """Make, feed and read one plugin; a subclass for each kind.

    Attributes:
        cls: The plugin's class.
        parameters: With which it is tried.
        device: Where it computes.
        effort: How much of everything it is tried with.
        is_example: The parameters are the class's examples, not what a user gave.
    """

    by_row: ClassVar[bool] = True
    """The answer has a row for each sample, so that neighbours, order and seeds can be tried."""
    seeded: ClassVar[bool] = True
    """A call is given a seed, so that a plugin of this kind can draw random numbers."""
    checks: ClassVar[tuple[Check, ...]] = ()
    """The checks of the kind, after those of every plugin."""

    def __init__(
        self,
        cls: type[PluginBase],
        parameters: Mapping[str, Any],
        *,
        is_example: bool,
        device: str = "cpu",
    ) -> None:
        """Take the class; nothing is made yet."""
        self.cls = cls
        self.parameters = dict(parameters)
        self.device = device
        self._made: Ready | None = None
        self._state: State | None = None
        self._nested: dict[Plugin[Any], Bench] = {}
        self._whole: dict[str, Answer] = {}
        self.effort = Effort()
        self.is_example = is_example

    @classmethod
    def examples(cls, plugin: type[PluginBase]) -> tuple[Mapping[str, Any], ...]:
        """Return the parameters to try where the class names none: its defaults."""
        return ({},)

    def others(self) -> Iterator[type[PluginBase]]:
        """Yield the other plugins that the outcome depends on: those in the parameters."""
        for nested in all_nested(self.make()):
            yield type(nested.plugin)

    @property
    def label(self) -> str:
        """What messages call the plugin."""
        module = self.cls.__module__
        return f'{self.cls.kind} "{self.cls.name}" ({place_of(module) or module})'

    def make(self, **changes: Any) -> Any:
        """Return a new plugin with these parameters, not set up."""
        return built(self.cls, {**self.parameters, **changes})

    def fresh(self, **changes: Any) -> Ready:
        """Return a new plugin, set up, and fitted where it must be."""
        return self.set_up(self.make(**changes), self.learnt(**changes))

    def set_up(self, plugin: Any, state: State | None = None) -> Ready:
        """Set a copy of a plugin up, as a run does.

        Args:
            plugin: One that `make` returned, or a copy of it.
            state: What a plugin with these parameters learns; None before it is fitted.
        """
        root = self._project(plugin)
        ready = set_up(
            plugin, self.label, self.device, root=root, prepared=self._fitted, state=state
        )
        return replace(ready, looked=None)  # the kit looks itself

    def _project(self, plugin: Any) -> Path | None:
        """Return the folder in which the files of the parameters lie; None for the current one.

        An example is tried with what the class writes for it: a file of the same name in the
        current folder may be a stranger's, and be a program. What a user gave is the user's.
        """
        files = [*project_files(plugin)]
        if not files or (not self.is_example and _hold(Path.cwd(), files)):
            return None
        written = self._written
        return written if _hold(written, files) or not _hold(Path.cwd(), files) else None

    @cached_property
    def _written(self) -> Path:
        """A folder with the files that the class writes, which goes when the bench goes."""
        folder = Path(mkdtemp(prefix="adversity-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.cls.write_example_files(folder)
        return folder

    def _fitted(self, nested: Plugin[Any]) -> Ready | None:
        """Return a plugin in a parameter that learns, which does so as on its own bench."""
        if nested.given is not None or not isinstance(nested.plugin, Fitted):
            return None
        if nested not in self._nested:
            inner: Any = nested.plugin
            cls, given = type(inner), inner.model_dump(exclude_unset=True)
            self._nested[nested] = bench_class(cls)(
                cls, given, is_example=self.is_example, device=self.device
            )
        return self._nested[nested].fresh()

    def fit(self, **changes: Any) -> tuple[Ready, State]:
        """Fit a new plugin on what it needs; return it, which keeps nothing, and what it found."""
        ready = self.set_up(self.make(**changes))
        return ready, learnt(ready, self.sources(), 0)

    def sources(self, *more: str) -> TensorRows:
        """Return the sources that a fit needs, and more of them: the same rows in each.

        Args:
            more: The names of sources that it may take.
        """
        first, *needed = self.cls.fit_sources  # type: ignore[attr-defined]  # (it is fitted)
        return with_sources(
            self.stream(), first, {name: self.stream() for name in (*needed, *more)}
        )

    def learnt(self, **changes: Any) -> State | None:
        """Return what a plugin learns, None if it is not fitted; that of the bench's own is kept."""
        if not issubclass(self.cls, Fitted):
            return None
        if changes:
            return self.fit(**changes)[1]
        if self._state is None:
            self._state = self.fit()[1]
        return self._state

    @property
    def ready(self) -> Ready:
        """The plugin with the bench's parameters, made on first use and then shared."""
        if self._made is None:
            self._made = self.fresh()
        return self._made

    def stream(self) -> TensorRows:
        """Return what a plugin that learns is fitted on; a kind that can be fitted says what."""
        raise NotApplicable(f"the kit has nothing to fit a {self.cls.kind} on")

    def as_fitted_on(self) -> Case:
        """Return rows such as a plugin that learns is fitted on, others than these."""
        return self.answered[0]

    @abstractmethod
    def cases(self) -> Sequence[Case]:
        """Return what the plugin is fed: several sizes, channels and extremes."""

    @property
    def answered(self) -> tuple[Case, ...]:
        """The cases that the plugin answers, made anew; `refused` says why it answers no others.

        Raises:
            NotApplicable: If it answers none: nothing can be tried on it but `answers`.
        """
        answerable = [case for case in self.cases() if case.name not in self.refused]
        if not answerable:
            raise NotApplicable("it answers no case, so that this cannot be tried: see `answers`")
        return tuple(answerable)

    @cached_property
    def refused(self) -> dict[str, str]:
        """Why cases are not answered, by their names; every case is fed once to find out."""
        refusals = {}
        for case in self.cases():
            try:
                self.whole(case)
            except NotApplicable:
                raise
            except BREAKS as error:
                refusals[case.name] = error_line(error)
        return refusals

    def whole(self, case: Case) -> Answer:
        """Return what `ready` answers to a case, under seed 0, to compare other answers with.

        It is computed once: what a check then computes anew is compared with it.
        """
        if case.name not in self._whole:
            ready = self.ready  # made and fitted outside of what is timed
            self._whole[case.name] = self.effort.timed(lambda: self.answer(ready, case), len(case))
        return self._whole[case.name]

    @abstractmethod
    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Run the plugin through its final call, checks and all."""


def _hold(folder: Path, files: Iterable[ProjectFile]) -> bool:
    return all(file.fault(folder) is None for file in files)


def built(cls: type[PluginBase], parameters: Mapping[str, Any]) -> Any:
    """Return a plugin; plugins that its parameters name are looked up among the installed."""
    with resolving(resolver(from_registry(discover()), attempt, unfitted=True)):
        return cls(**parameters)


def bench_class(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench for a plugin's class, which for some kinds depends on the shape.

    Raises:
        InputError: If its kind names no module of the kit.
    """
    kind = plugin.describes
    if not kind.kit:
        raise InputError(
            f"the conformance kit has no checks for plugins of kind {kind.name!r}: expected `kit` "
            "in the description of the kind"
        )
    bench: type[Bench] = kind.load(kind.kit).bench_for(plugin)
    return bench

"""A plugin that is set up, and the errors that name it when it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from adversity.contracts import Classifier, Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.errors import AdversityError, DataError, InputError, NotFittedError, PluginError
from adversity.registry.project_modules import author_is_to
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from adversity.contracts import FitData, Plugin, State

__all__ = ["BREAKS", "Prepared", "Ready"]

BREAKS = (Exception, SystemExit)
"""What may come out of a plugin; one that calls `sys.exit` must not end the run in silence."""

Prepared = Callable[["Plugin[Any]"], "Ready | None"]
"""From a plugin in a parameter to what is ready already: the plugin of a fitted step."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A plugin that is set up, and what to call it in messages.

    Attributes:
        plugin: Set up and, where it is fitted, loaded.
        label: `attack "pgd" (acme-attacks 1.2)`.
        device: Where it computes.
        looked: The methods and the shapes of a row for which it was seen that its
            neighbours do not matter; None if nobody is to look.
        seen: What the images are known by that it was fitted on from Python.
        root: The project's folder; the current one if None.
        prepared: What was ready already of the plugins in its parameters.
        state: What fitting found, where it is loaded.
    """

    plugin: Any
    label: str
    device: str = "cpu"
    looked: set[tuple[str | int, ...]] | None = field(
        default_factory=set, compare=False, repr=False
    )
    seen: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    root: Path | None = field(default=None, compare=False, repr=False)
    prepared: Prepared | None = field(default=None, compare=False, repr=False)
    state: State | None = field(default=None, compare=False, repr=False)

    @property
    def call(self) -> Any:
        """The final call that its kind describes; the plugin itself where that describes none."""
        kind = self.plugin.describes
        return kind.load(kind.call)(self) if kind.call else self.plugin

    @property
    def facts(self) -> dict[str, Any]:
        """What the plugin says of itself; where that fails, how: a report hangs on no description."""
        try:
            facts: dict[str, Any] = self.plugin.describe()
        except BREAKS as error:
            return {"description": f"none: {type(error).__name__}: {error}; {self.remedy(error)}"}
        return facts

    def require_fitted(self) -> None:
        """Refuse a plugin that must be fitted and is not.

        Raises:
            NotFittedError: If it has learnt nothing.
        """
        if self.state is None and isinstance(self.plugin, Fitted):
            raise NotFittedError(
                f"{self.label} must be fitted first: call .fit(...) on held-out data"
            )

    def broke(self, what: str, ids: Sequence[str] = ()) -> NoReturn:
        """Raise the error that says which promise was broken, where, and whose fault it is."""
        where = f", sample {ids[0]}" if len(ids) == 1 else f", samples {ids[0]} .." if ids else ""
        raise PluginError(
            f"{self.label}{where}: {what}. This is a fault of the plugin, not of your pipeline; "
            f"{author_is_to('report it to its author', type(self.plugin).__module__)}."
        )

    def mixes(self, sample: str, gap: float, what: str = "answer") -> NoReturn:
        """Raise the error that says that an answer depends on the rows beside it."""
        self.broke(
            f"expected each row of its {what} by itself, got one that depends on what lies beside "
            f"the sample in its block: alone it differs by {gap:.2g} of the largest value (is "
            "something normalised over the batch?)",
            (sample,),
        )

    def lacks_gradient(self) -> NoReturn:
        """Raise the error that says that an answer cannot be differentiated."""
        self.broke(
            "expected an answer that can be differentiated in the images, as `differentiable` "
            "says, got one without a gradient"
        )

    def learn(self, data: FitData, generator: np.random.Generator) -> State:
        """Fit the plugin, which is set up; return what it found and leave it as it is.

        Raises:
            DataError: If a classifier is to learn from one class.
            InputError: If it is none that is fitted.
            PluginError: If it fails.
        """
        if not isinstance(self.plugin, Fitted):
            raise InputError(f"{self.label} has nothing to fit")
        learns = isinstance(self.plugin, Classifier) and self.plugin.fit_sources[0] != UNLABELLED
        if learns and len(data.class_names) == 1:
            raise DataError(
                f"{self.label}: expected data of two classes or more to learn from, got "
                f"{data.class_names[0]!r} alone: a classifier of one class is always right. Add "
                "images of what it could be mistaken for, as a class of its own"
            )
        try:
            with preserve_global_rng():
                return self.plugin.fit(data, generator)
        except BREAKS as error:
            self.guard(error)

    def require_classes(self) -> None:
        """Refuse a classifier of one class, which is right whatever it sees.

        Raises:
            InputError: If it has one.
        """
        if isinstance(self.plugin, Classifier) and len(names := self.plugin.class_names) == 1:
            raise InputError(
                f"{self.label}: expected two classes or more, got {names[0]!r} alone: a classifier "
                "of one class is always right. Name every class that it distinguishes, in the order "
                "of its logits, or take one that has several"
            )

    def guard(self, error: BaseException, ids: Sequence[str] = ()) -> NoReturn:
        """Turn an exception from inside the plugin into one that names it."""
        if isinstance(error, AdversityError):
            raise error
        where = f", sample {ids[0]}" if len(ids) == 1 else ""
        raise PluginError(
            f"{self.label}{where} raised {type(error).__name__}: {error}; {self.remedy(error)}"
        ) from error

    def remedy(self, error: BaseException | None = None) -> str:
        """Say what is done about a plugin that broke, perhaps with what it raised."""
        module = type(self.plugin).__module__
        return author_is_to("report it to the plugin's author", module, error)

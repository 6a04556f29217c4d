"""A plugin that learns as a parameter of another one, which fits it: `member: Learner[Classifier]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from adversity.contracts.fitted import Fitted
from adversity.contracts.nested import NestedFault, Plugin

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Learner"]

K = TypeVar("K")


class Learner(Plugin[K]):
    """A plugin that learns, as the value of a parameter; the outer plugin fits it, as often as it likes.

    Users write `{uses: decision_tree, with: {max_depth: 3}}`; a step that is fitted already, or what
    was fitted in Python, is refused. In the methods of the outer plugin, after `setup`:

    - `learner.learn(data, rng, rows=None, weights=None)` fits it on its outer plugin's stream, on
      some rows of it (`[n]` places, ascending; one may come twice), each with a weight if there are
      any (`[N]`, by place, 0 or more; 0 leaves out), and returns its `State`.
    - `learner.fitted(state)` gives its final call, as that of a `Plugin`.
    - `learner.plugin` has its parameters and claims, such as `takes_weights`.
    """

    __slots__ = ()
    learns: ClassVar[bool] = True

    @classmethod
    def taken(cls, nested: Plugin[Any]) -> Plugin[Any]:
        """Return it as one that will be fitted.

        Raises:
            NestedFault: It does not learn, needs other sources than `train`, or was fitted.
        """
        plugin, faults = nested.plugin, _faults(nested)
        if faults:
            raise NestedFault(faults)
        return cls(plugin, nested.distribution, nested.version)


def _faults(nested: Plugin[Any]) -> Mapping[tuple[str | int, ...], str]:
    plugin = nested.plugin
    if not isinstance(plugin, Fitted):
        return {("uses",): f"expected a plugin that learns, {nested.label} does not"}
    if plugin.fit_sources != ("train",) or plugin.fits_on != "images":
        return {
            ("uses",): f"expected a plugin that learns from labelled images alone, {nested.label} "
            f"is fitted on {plugin.fits_on} of {', '.join(plugin.fit_sources)}"
        }
    given = None if nested.given is None else nested.given.ready.state
    if nested.step is not None or given is not None:
        what = f"the step {nested.step}" if nested.step is not None else "a fitted object"
        return {
            ("uses",): f"expected a plugin with its parameters, which is fitted here, got {what}: "
            "write {uses, with}"
        }
    return {}

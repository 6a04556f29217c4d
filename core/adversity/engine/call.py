"""What the public calls of all kinds share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Fitted, State
from adversity.engine import calls
from adversity.engine.calls import Ready
from adversity.engine.nested import inject
from adversity.errors import DataError, NotFittedError
from adversity.shapes import image_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Call", "require_images", "sample_ids"]


class Call:
    """A ready plugin; what all kinds share."""

    def __init__(self, ready: Ready, *, fitted: bool | None = None) -> None:
        """Take the plugin; one that must be fitted is not set up yet."""
        self.ready = ready
        self._fitted = not isinstance(ready.plugin, Fitted) if fitted is None else fitted

    @property
    def parameters(self) -> dict[str, Any]:
        """The plugin's parameters, defaults included."""
        found: dict[str, Any] = self.ready.plugin.parameters
        return found

    def __repr__(self) -> str:
        """Show the plugin with its parameters."""
        return f"{self.ready.label} {self.parameters}"

    def require_fitted(self) -> None:
        """Refuse to answer before it was fitted."""
        if not self._fitted:
            raise NotFittedError(
                f"{self.ready.label} must be fitted first: call .fit(...) on held-out data"
            )

    def _loaded(self, state: State) -> Any:
        """Return a new object of this class that carries the state."""
        given = self.ready.plugin
        plugin = type(given)(**given.model_dump(exclude_unset=True))
        with calls.setting_up(self.ready):
            inject(plugin, self.ready.device)
            plugin.setup(self.ready.device)
        plugin.load(state)
        return type(self)(Ready(plugin, self.ready.label, self.ready.device), fitted=True)


def require_images(images: Any, label: str) -> None:
    """Refuse what are no images, under the name of the plugin that got them."""
    fault = image_fault(images)
    if fault is not None:
        raise DataError(f"{label}: {fault}")


def sample_ids(ids: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return the ids given, all different, or the samples' positions."""
    found = tuple(map(str, range(count))) if ids is None else tuple(ids)
    if len(found) != count or len(set(found)) != count:
        raise DataError(f"expected {count} different ids, got {len(found)}")
    return found

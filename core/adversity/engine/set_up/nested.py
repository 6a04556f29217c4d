"""Making the plugins in a plugin's parameters ready to run, with every check of their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from adversity.contracts import Fitted, PluginBase
from adversity.contracts.nested import Plugin, nested_in
from adversity.contracts.project_files import bind_files
from adversity.engine.calls import final_calls
from adversity.engine.calls.blocks import in_blocks, network_rows, spans
from adversity.engine.calls.ready import Ready, device_of, setting_up
from adversity.errors import InputError, NotFittedError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity.contracts import Degraded, State
    from adversity.seeding import SampleRng

__all__ = ["all_ready", "inject", "set_up"]

Found = Callable[[Plugin[Any]], Ready | None]
"""From a plugin in a parameter to what is ready already: the plugin of a fitted step."""


def set_up(
    given: PluginBase,
    label: str,
    device: str,
    *,
    root: Path | None = None,
    found: Found | None = None,
    state: State | None = None,
) -> Ready:
    """Return a copy of a plugin, made ready in the one order that the contract promises.

    The files and plugins in its parameters are made ready, it is set up, and takes what fitting
    found. The same happens before it is fitted, but for the last.

    Args:
        given: The plugin with its parameters; it is left as it is.
        label: What messages call it.
        device: Where it computes.
        root: The project's folder; the current one if None.
        found: What is ready already of the plugins in its parameters.
        state: What fitting found.

    Raises:
        InputError: If it is a classifier of one class.
        NotFittedError: If a plugin in its parameters must be fitted and is not.
        PluginError: If it cannot be set up.
    """
    plugin: Any = type(given)(**given.model_dump(exclude_unset=True))
    ready = Ready(plugin, label, device_of(plugin, device))
    with setting_up(ready):
        inject(plugin, ready.device, root=root, found=found)
        plugin.setup(ready.device)
        if state is not None:
            plugin.load(state)
        if state is not None or not isinstance(plugin, Fitted):
            ready.require_classes()
    return ready


def inject(
    plugin: PluginBase,
    device: str,
    *,
    root: Path | None = None,
    found: Found | None = None,
    now: bool = True,
) -> None:
    """Make the plugins and files in the parameters of `plugin` ready; called before its `setup`.

    Args:
        plugin: The outer plugin, an object of this run alone.
        device: Where they compute.
        root: The project's folder, where the files in parameters lie; else the working directory.
        found: What is ready already.
        now: Whether they are set up here, so that what is missing is said early, or on first use.

    Raises:
        NotFittedError: If one must be fitted and is not.
        PluginError: If one cannot be set up.
    """

    def opened(nested: Plugin[Any]) -> Any:
        ready = found(nested) if found is not None else None
        return _final(ready or _set_up(nested, device, root, found))

    bind_files(plugin, root)
    for nested in nested_in(plugin):
        nested.bind(opened)
        if now:
            nested.ready()


def _set_up(nested: Plugin[Any], device: str, root: Path | None, found: Found | None) -> Ready:
    if nested.given is not None:
        nested.given.require_fitted()
        return nested.given.ready  # type: ignore[no-any-return]
    if isinstance(nested.plugin, Fitted):
        raise NotFittedError(f"{nested.label} must be fitted before another plugin can use it")
    return set_up(nested.plugin, nested.label, device, root=root, found=found)


def all_ready(parts: Iterable[Ready]) -> Iterator[Ready]:
    """Go through plugins and those in their parameters that were made from Python."""
    for part in parts:
        yield part
        if isinstance(part.plugin, PluginBase):
            given = (nested.given for nested in nested_in(part.plugin))
            yield from all_ready(call.ready for call in given if call is not None)


def _final(ready: Ready) -> Any:
    """Return the final call of the plugin's kind; the plugin itself where its kind has none."""
    call = _CALLS.get(ready.plugin.kind)
    return ready.plugin if call is None else call(ready)


class _Degradation:
    """`worse = degradation(images, rng)`; the same `rng` draws the same numbers again."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def __call__(self, images: Tensor, rng: SampleRng) -> Tensor:
        return self.degraded(images, rng).images

    def degraded(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return the images with their side information."""
        if images.requires_grad:
            return self._traced(images, rng)
        return final_calls.degrade(self._ready, images, rng)

    def _traced(self, images: Tensor, rng: SampleRng) -> Degraded:
        from adversity.contracts import Degraded
        from adversity.engine.chain.links import Link, Rows

        if not self._ready.plugin.differentiable:
            raise InputError(
                f"{self._ready.label} has no gradient: expected images without one, or a "
                "degradation that is differentiable"
            )
        rows = Rows(rng.ids, {}, rng.ids)
        worse, after = Link("nested", self._ready).traced(images, rows, rng)
        return Degraded(worse, after.side)


class _Restoration:
    """`better = restoration(images, side)`."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def __call__(self, images: Tensor, side: dict[str, Tensor] | None = None) -> Tensor:
        ids = tuple(map(str, range(len(images))))
        return final_calls.restore(self._ready, images, side or {}, ids)[0]


class _Classifier:
    """`classifier.logits(images)` and `.features(images)`, differentiable in the images."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    @property
    def class_names(self) -> tuple[str, ...]:
        names: tuple[str, ...] = self._ready.plugin.class_names
        return names

    def __call__(self, images: Tensor) -> Tensor:
        return self.logits(images)

    def logits(self, images: Tensor) -> Tensor:
        """Return what the classifier gives, `[N, K]`."""
        if not images.requires_grad:
            return final_calls.logits(self._ready, images, tuple(map(str, range(len(images)))))
        return self._blocks("logits", images)

    def features(self, images: Tensor) -> Tensor | None:
        """Return `[N, D]`, or None where the classifier offers none."""
        # A gradient is asked for without the checks of the final call: one block has them first.
        rows = network_rows(self._ready.plugin, images) if images.requires_grad else len(images)
        first = images[:rows].detach()
        found = final_calls.features(self._ready, first, tuple(map(str, range(len(first)))))
        if found is None or not images.requires_grad:
            return found
        return self._blocks("features", images)

    def _blocks(self, method: str, images: Tensor) -> Tensor:
        import torch

        plugin, device = self._ready.plugin, self._ready.device
        if images.requires_grad and not plugin.differentiable:
            raise InputError(
                f"{self._ready.label} has no gradient: expected a classifier that is "
                "differentiable, or an attack that asks for none"
            )

        def run(block: Tensor) -> Tensor:
            try:
                answer = getattr(plugin, method)(block.to(device))
            except final_calls.BREAKS as error:
                self._ready.guard(error)
            fault = rows_fault(answer, rows=len(block), columns=0)
            if fault is not None:
                self._ready.broke(f"{method}: {fault}")
            return answer.cpu()  # type: ignore[no-any-return]

        with torch.set_grad_enabled(images.requires_grad):
            return in_blocks(run, images, network_rows(plugin, images))


class _Uncertainty:
    """`probs = calibrator(logits)` or `scores = score(predictive)`."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def __call__(self, values: Any) -> Tensor:
        from adversity.contracts import PostHoc

        if isinstance(self._ready.plugin, PostHoc):
            return final_calls.calibrate(self._ready, values, tuple(map(str, range(len(values)))))
        return final_calls.score(self._ready, values, tuple(map(str, range(len(values.probs)))))


class _Attack:
    """`images = attack.perturb(target, images, labels, rng)`, within its own budget."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def __call__(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        return self.perturb(target, images, labels, rng)

    def perturb(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        import torch

        from adversity.engine.attack.perturbing import checked

        parts = []
        for span in spans(len(images), self._ready.plugin.block_rows):
            index = list(span)
            block, ids = images[index], [rng.ids[i] for i in index]
            given = block.clone()
            try:
                answer = self._ready.plugin.perturb(
                    target.rows(torch.tensor(index)), given, labels[index], rng.rows(index)
                )
            except final_calls.BREAKS as error:
                self._ready.guard(error, ids)
            parts.append(checked(self._ready, answer, block, given, ids).images)
        return torch.cat(parts)


_CALLS: dict[str, Callable[[Ready], Any]] = {
    "degradation": _Degradation,
    "restoration": _Restoration,
    "classifier": _Classifier,
    "uncertainty": _Uncertainty,
    "attack": _Attack,
}

"""From Python: the public, final call of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from adversity.contracts import Combine, Predictive, Sampling, Score
from adversity.contracts.nested import NESTED_ERROR, resolving
from adversity.engine.calls.device import absent_device
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.in_memory import TensorRows
from adversity.engine.public.public_call import Call, require_images, sample_ids
from adversity.engine.public.sampling import SamplingCall
from adversity.errors import DataError, InputError, ParameterError, UnknownPluginError
from adversity.pipeline.plan.nested import from_registry, resolver
from adversity.pipeline.plan.plugins import attempt
from adversity.registry import discover
from adversity.seeding import SampleRng, preserve_global_rng
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.contracts import Dataset, Degraded, Restored
    from adversity.engine.calls.ready import Ready
    from adversity.registry import Entry

__all__ = ["Call", "create"]


def create(kind: str, name: str, *, device: str = "cpu", **parameters: Any) -> Any:
    """Make a plugin ready to call.

    Args:
        kind: For example `attack`.
        name: The plugin's name, `distribution:name`, or `./FILE.py:CLASS`, relative to the
            current folder.
        device: Where it computes.
        **parameters: The plugin's parameters; fractions such as "8/255" are numbers.

    Returns:
        A callable whose final call checks what goes in and what comes out.

    Raises:
        UnknownPluginError: If there is no such plugin.
        ParameterError: If a parameter is unknown or wrong, or there is no such device.

    Example:
        >>> import torch, adversity
        >>> noise = adversity.create("degradation", "gaussian_noise", severity=3)
        >>> noise(torch.full((2, 3, 8, 8), 0.5), ids=["a", "b"], seed=0).shape
        torch.Size([2, 3, 8, 8])
    """
    entry, faults = from_registry(discover())(kind, name)
    if entry is None:
        raise UnknownPluginError(faults[0])
    fault = absent_device(device)
    if fault is not None:
        raise ParameterError(f"{entry.label}: device: {fault}")
    ready = set_up(_built(entry, parameters), entry.label, device)
    described = ready.plugin.describes
    if described.public:
        return described.load(described.public)(ready)
    return PlainCall(ready) if described.call else ready.plugin


def _built(entry: Entry, parameters: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    if entry.cls is None:
        raise InputError(f"{entry.label} cannot be used: {entry.error}")
    try:
        with resolving(resolver(from_registry(discover()), attempt)):
            return entry.cls(**parameters)
    except ValidationError as error:
        findings = [
            f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}"
            + ("" if e["type"] == NESTED_ERROR else f", got {e['input']!r}")
            for e in error.errors()
        ]
        raise ParameterError(f"{entry.label}: " + "; ".join(findings)) from None


def opened(ready: Ready) -> Dataset:
    """Open a data set in the current folder; one inside a package is written out first."""
    from tempfile import mkdtemp

    from adversity.engine.stages.data_stage import materialise

    dataset: Dataset = ready.plugin
    if not type(dataset).packaged:
        dataset.open(Path.cwd())
        return dataset
    folder = Path("data") / dataset.name
    if not (folder / "manifest.csv").is_file():
        folder = Path(mkdtemp(prefix="adversity-")) / dataset.name
        folder.mkdir()
        materialise(dataset, folder)
    dataset.open(folder)
    return dataset


class PlainCall(Call):
    """The call of a kind that describes none for Python: its final call, once it is fitted."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Pass everything on to the kind's final call."""
        self.ready.require_fitted()
        with preserve_global_rng():
            return self.ready.call(*args, **kwargs)


class DegradationCall(Call):
    """`worse = degradation(images, ids=..., seed=...)`."""

    def __call__(
        self, images: Tensor, *, ids: Sequence[str] | None = None, seed: int = 0
    ) -> Tensor:
        """Return degraded images; its side information stays in `side`."""
        self.ready.require_fitted()
        require_images(images, self.ready)
        rng = SampleRng(seed=seed, step=self.ready.plugin.name, ids=sample_ids(ids, len(images)))
        with preserve_global_rng():
            degraded: Degraded = self.ready.call.degraded(images.detach(), rng)
        self.side = dict(degraded.side)
        return degraded.images


class RestorationCall(Call):
    """`better = restoration(images, kernel=...)`."""

    def __call__(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return restored images; `needs` stand for the degradation's side information.

        What the restoration found stays in `found`.
        """
        self.ready.require_fitted()
        require_images(images, self.ready)
        unknown = set(needs) - set(self.ready.plugin.needs)
        if unknown:
            raise ParameterError(
                f"{self.ready.label}: expected {list(self.ready.plugin.needs)}, got "
                f"{sorted(unknown)}"
            )
        with preserve_global_rng():
            restored: Restored = self.ready.call.with_found(images.detach(), needs)
        self.found = dict(restored.found)
        return restored.images


class ClassifierCall(Call):
    """`logits = classifier(images)`; first `.fit(images, labels)` where it must be fitted."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        self.ready.require_fitted()
        names: tuple[str, ...] = self.ready.plugin.class_names
        return names

    def __call__(self, images: Tensor) -> Tensor:
        """Return what the classifier gives, `[N, K]` float32."""
        self.ready.require_fitted()
        require_images(images, self.ready)
        with preserve_global_rng():
            return self.ready.call.logits(images.detach())  # type: ignore[no-any-return]


def uncertainty(ready: Ready) -> UncertaintyCall | SamplingCall:
    """Return the public call of an uncertainty method, by its shape."""
    return (SamplingCall if isinstance(ready.plugin, Sampling) else UncertaintyCall)(ready)


class UncertaintyCall(Call):
    """`score = method(logits)` or `probs = calibrator.fit(logits, labels)(logits)`."""

    def __call__(self, logits: Tensor | Predictive) -> Tensor:
        """Return probabilities `[N, K]`, scores `[N]` (higher = less sure), or sets `[N, K]` bool.

        Args:
            logits: `[N, K]`; for what goes by members `[M, N, K]`, the members' logits. A score
                also takes what a method that draws returned.

        Raises:
            DataError: If the logits have another shape, or are not finite.
        """
        self.ready.require_fitted()
        if isinstance(logits, Predictive):
            return self._of_predictive(logits)
        fault = _members_fault(logits) if self._takes_members else _logits_fault(logits)
        if fault is not None:
            raise DataError(f"{self.ready.label}: {fault}")
        return self.ready.call.of_logits(logits)  # type: ignore[no-any-return]

    def fit(  # type: ignore[override]  # (rows of a table, not images)
        self,
        logits: Tensor,
        labels: ArrayLike | Tensor,
        *,
        sources: Mapping[str, tuple[Tensor, ArrayLike | Tensor]] | None = None,
        seed: int = 0,
    ) -> Self:
        """Fit on held-out logits and labels; return a new object that carries the state.

        Args:
            logits: `[N, K]`.
            labels: `[N]` whole numbers.
            sources: Further sources by name, each its logits and labels.
            seed: Of the fit.
        """
        names = tuple(str(k) for k in range(logits.shape[1]))
        data = TensorRows(labels, names, logits=logits.float())
        others = {
            name: TensorRows(known, names, logits=rows.float())
            for name, (rows, known) in (sources or {}).items()
        }
        return self._learnt(data, seed, frozenset(), others)

    def _of_predictive(self, predictive: Predictive) -> Tensor:
        """Score a prediction as it is.

        Raises:
            DataError: If this is no score, or there are no probabilities.
        """
        if not isinstance(self.ready.plugin, Score) or predictive.probs is None:
            raise DataError(
                f"{self.ready.label}: expected logits, got a Predictive, which is for scores and "
                "needs probs; give its logits, or probs.log()"
            )
        return self.ready.call(predictive)  # type: ignore[no-any-return]

    @property
    def _takes_members(self) -> bool:
        plugin = self.ready.plugin
        return isinstance(plugin, Combine) or getattr(plugin, "needs_members", False)


def _logits_fault(logits: Tensor) -> str | None:
    """Say what is wrong with logits `[N, K]`, or None."""
    return rows_fault(logits, rows=len(logits), columns=0)


def _members_fault(logits: Tensor) -> str | None:
    """Say what is wrong with members' logits `[M, N, K]`, or None."""
    if logits.ndim != 3 or not len(logits):
        return f"expected logits [M, N, K] of M members, got {list(logits.shape)}"
    return rows_fault(logits.flatten(0, 1), rows=logits.shape[0] * logits.shape[1], columns=0)

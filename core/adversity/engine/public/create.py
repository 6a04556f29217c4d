"""From Python: the public, final call of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.contracts.nested import NESTED_ERROR, resolving
from adversity.engine.calls.device import absent_device
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.public_call import Call, require_images, sample_ids
from adversity.errors import InputError, ParameterError, UnknownPluginError
from adversity.pipeline.plan.nested import from_registry, resolver
from adversity.pipeline.plan.plugins import attempt
from adversity.registry import discover
from adversity.seeding import SampleRng, preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def features(self, images: Tensor) -> Tensor | None:
        """Return its features `[N, D]` float32; None where it offers none."""
        self.ready.require_fitted()
        require_images(images, self.ready)
        with preserve_global_rng():
            features: Tensor | None = self.ready.call.features(images.detach())
        return None if features is None else features.float()

    def member_probs(self, images: Tensor) -> Tensor | None:
        """Return its members' probabilities `[M, N, K]` float32; None where it has no members."""
        self.ready.require_fitted()
        require_images(images, self.ready)
        with preserve_global_rng():
            return self.ready.call.member_probs(images.detach())  # type: ignore[no-any-return]

    def head(self, features: Tensor) -> Tensor:
        """Return what it gives for features `[N, D]`, `[N, K]`; a classifier without one refuses."""
        self.ready.require_fitted()
        values: Tensor = self.ready.call.head(features)
        return values

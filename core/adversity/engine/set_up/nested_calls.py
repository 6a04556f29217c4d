"""How a plugin calls the plugins in its parameters: the final call of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls import final_calls
from adversity.engine.calls.blocks import in_blocks, network_rows, spans
from adversity.engine.calls.final_call import FinalCall
from adversity.errors import InputError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts import Degraded
    from adversity.seeding import SampleRng

__all__ = ["AttackCall", "ClassifierCall", "DegradationCall", "RestorationCall", "UncertaintyCall"]


class DegradationCall(FinalCall):
    """`worse = degradation(images, rng)`; the same `rng` draws the same numbers again."""

    def __call__(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return the images alone."""
        return self.degraded(images, rng).images

    def degraded(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return the images with their side information."""
        if images.requires_grad:
            return self._traced(images, rng)
        return final_calls.degrade(self.ready, images, rng)

    def _traced(self, images: Tensor, rng: SampleRng) -> Degraded:
        from adversity.contracts import Degraded
        from adversity.engine.chain.links import Link, Rows

        if not self.ready.plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a "
                "degradation that is differentiable"
            )
        rows = Rows(rng.ids, {}, rng.ids)
        worse, after = Link("nested", self.ready).traced(images, rows, rng)
        return Degraded(worse, after.side)


class RestorationCall(FinalCall):
    """`better = restoration(images, side)`."""

    def __call__(self, images: Tensor, side: dict[str, Tensor] | None = None) -> Tensor:
        """Return the images; what `side` lacks is a parameter, or estimated."""
        ids = tuple(map(str, range(len(images))))
        return final_calls.restore(self.ready, images, side or {}, ids)[0]


class ClassifierCall(FinalCall):
    """`classifier.logits(images)` and `.features(images)`, differentiable in the images."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        names: tuple[str, ...] = self.ready.plugin.class_names
        return names

    def __call__(self, images: Tensor) -> Tensor:
        """Return its logits."""
        return self.logits(images)

    def logits(self, images: Tensor) -> Tensor:
        """Return what the classifier gives, `[N, K]`."""
        if not images.requires_grad:
            return final_calls.logits(self.ready, images, tuple(map(str, range(len(images)))))
        return self._blocks("logits", images)

    def features(self, images: Tensor) -> Tensor | None:
        """Return `[N, D]`, or None where the classifier offers none."""
        # A gradient is computed without the checks of the final call: one block has them first.
        rows = network_rows(self.ready.plugin, images) if images.requires_grad else len(images)
        first = images[:rows].detach()
        features = final_calls.features(self.ready, first, tuple(map(str, range(len(first)))))
        if features is None or not images.requires_grad:
            return features
        return self._blocks("features", images)

    def _blocks(self, method: str, images: Tensor) -> Tensor:
        import torch

        plugin, device = self.ready.plugin, self.ready.device
        if images.requires_grad and not plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected a classifier that is "
                "differentiable, or an attack that needs none"
            )

        def run(block: Tensor) -> Tensor:
            try:
                answer = getattr(plugin, method)(block.to(device))
            except final_calls.BREAKS as error:
                self.ready.guard(error)
            fault = rows_fault(answer, rows=len(block), columns=0)
            if fault is not None:
                self.ready.broke(f"{method}: {fault}")
            return answer.cpu()  # type: ignore[no-any-return]

        with torch.set_grad_enabled(images.requires_grad):
            return in_blocks(run, images, network_rows(plugin, images))


class UncertaintyCall(FinalCall):
    """`probs = calibrator(logits)` or `scores = score(predictive)`."""

    def __call__(self, values: Any) -> Tensor:
        """Return `[N, K]` probabilities of logits, or `[N]` scores of a `Predictive`."""
        from adversity.contracts import PostHoc

        if isinstance(self.ready.plugin, PostHoc):
            return final_calls.calibrate(self.ready, values, tuple(map(str, range(len(values)))))
        return final_calls.score(self.ready, values, tuple(map(str, range(len(values.probs)))))


class AttackCall(FinalCall):
    """`images = attack.perturb(target, images, labels, rng)`, within its own budget."""

    def __call__(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return `perturb`."""
        return self.perturb(target, images, labels, rng)

    def perturb(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the images, in blocks, each checked against the budget."""
        import torch

        from adversity.engine.attack.perturbing import checked

        parts = []
        for span in spans(len(images), self.ready.plugin.block_rows):
            index = list(span)
            block, ids = images[index], [rng.ids[i] for i in index]
            given = block.clone()
            try:
                answer = self.ready.plugin.perturb(
                    target.rows(torch.tensor(index)), given, labels[index], rng.rows(index)
                )
            except final_calls.BREAKS as error:
                self.ready.guard(error, ids)
            parts.append(checked(self.ready, answer, block, given, ids).images)
        return torch.cat(parts)

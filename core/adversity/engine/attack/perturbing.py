"""The final call of an attack: its images, in blocks, and every check of what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Perturbed
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.final_call import FinalCall
from adversity.engine.calls.ready import BREAKS
from adversity.engine.chain.budget import replayed, within_budget
from adversity.seeding import SampleRng
from adversity.shapes import image_fault, like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.target import ChainTarget

__all__ = ["AttackCall", "perturb"]


class AttackCall(FinalCall):
    """`images = attack.perturb(target, images, labels, rng)`, within its own budget."""

    def __call__(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return `perturb`."""
        return self.perturb(target, images, labels, rng)

    def perturb(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the images alone."""
        return self.perturbed(target, images, labels, rng).images

    def perturbed(self, target: Any, images: Tensor, labels: Tensor, rng: SampleRng) -> Perturbed:
        """Let the attack change all the images, `block_rows` at most at once; check the answer.

        Args:
            target: Bound to exactly these samples; it lets the attack see what it may.
            images: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` int64, what the attack is given.
            rng: Of these samples.

        Returns:
            The images, and the parameters of a parametric attack, float64.

        Raises:
            PluginError: If the answer breaks the contract; the message gives the figure.
        """
        import torch

        self.require_channels(images)
        parts: list[Perturbed] = []
        for span in spans(len(images), self.ready.plugin.block_rows):
            index = list(span)
            block, here = images[index], rng.rows(index)
            given = block.clone()
            try:
                answer = self.ready.plugin.perturb(target.rows(index), given, labels[index], here)
            except BREAKS as error:
                self.ready.guard(error, here.ids)
            parts.append(_checked(self.ready, answer, block, given, here.ids))
        if not parts:
            return Perturbed(images.clone())
        names = parts[0].parameters
        return Perturbed(
            torch.cat([part.images for part in parts]),
            {name: torch.cat([part.parameters[name] for part in parts]) for name in names},
        )


def perturb(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int,
    step: str,
    stream: str | None = None,
) -> Perturbed:
    """Let an attack that is one attack change images, and see of the victim what it says.

    Args:
        ready: The attack.
        victim: Bound to exactly these samples.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, what the attack is given.
        seed: The pipeline's seed.
        step: The attack's step id.
        stream: The name of a round, which has random streams of its own.

    Raises:
        PluginError: If the answer breaks the contract; the message gives the figure.
    """
    rng = SampleRng(seed=seed, step=step, ids=victim.ids)
    rng = rng if stream is None else rng.child(stream)
    target = victim.granted(ready.plugin.access)
    perturbed: Perturbed = ready.call.perturbed(target, images, labels, rng)
    return perturbed


def _checked(
    ready: Ready, answer: Any, block: Tensor, given: Tensor, ids: Sequence[str]
) -> Perturbed:
    """Distrust everything: type, shape, range, the input and the budget."""
    import torch

    threat = ready.plugin.threat_model
    if threat.lacks:
        ready.broke(f"{threat.word}: {threat.lacks}", ids)
    changed = answer.images if isinstance(answer, Perturbed) else answer
    fault = image_fault(changed, rows=len(block), channels=like(block.shape[1]))
    if fault is None and changed.shape != block.shape:
        fault = f"expected shape {list(block.shape)}, got {list(changed.shape)}"
    if fault is None and not torch.equal(given.detach(), block):
        fault = "it changed its input in place; expected the input to be left alone"
    if fault is not None:
        ready.broke(fault, ids)
    changed = changed.detach().cpu()
    if not threat.bounds:
        within_budget(ready, changed, block, ids)
        return Perturbed(changed, _facts(ready, answer, ids))
    if not isinstance(answer, Perturbed):
        ready.broke("expected a Perturbed with the parameters, got images alone", ids)
    images, parameters = replayed(ready, changed, answer.parameters, block, ids)
    within_budget(ready, images, block, ids)
    return Perturbed(images, parameters)


def _facts(ready: Ready, answer: Any, ids: Sequence[str]) -> dict[str, Tensor]:
    """Return what an attack returns of each sample beside its image, float64."""
    facts = answer.parameters if isinstance(answer, Perturbed) else {}
    if set(facts) != set(ready.plugin.tells):
        ready.broke(f"expected it to tell {sorted(ready.plugin.tells)}, got {sorted(facts)}", ids)
    for name, values in facts.items():
        if values.shape != (len(ids),):
            ready.broke(f"expected {name} [{len(ids)}], got {list(values.shape)}", ids)
    return {name: values.detach().cpu().double() for name, values in facts.items()}

"""What an attack promises: the bench. Its checks stand in `safety`, `linear`, `strength`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ValidationError

from adversity.contracts import Classifier, Norm, NormBall
from adversity.engine.attack.attacking import perturbed
from adversity.shapes import GREY_AND_COLOUR
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable
from adversity.testing.inputs.images import most_tried, scenes
from adversity.testing.kinds.attack import linear, safety, strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import PluginBase, Threat
    from adversity.engine.calls.ready import Ready
    from adversity.testing.kinds.attack.victims import KitTarget

__all__ = ["EPS", "AttackBench", "Attempt", "bench_for"]

EPS: dict[Norm, float] = {"linf": 8 / 255, "l2": 0.5, "l1": 2.5}
"""What an attack is tried with: an eps at which the kit's network falls to a sound attack, but
not to noise."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attack did to some samples of a victim.

    Attributes:
        images: `[N, C, H, W]` float32, adversarial.
        odds: `[N]` float64, the log of the odds against the labels after the attack.
        margin: `[N]` float64, by how much the best other class leads the label.
        fooled: `[N]` bool: the answer is not the label.
        queries, gradients: `[N]` int64, what each sample cost.
    """

    images: Tensor
    odds: Tensor
    margin: Tensor
    fooled: Tensor
    queries: Tensor
    gradients: Tensor


class AttackBench(Bench):
    """Let an attack loose on small victims."""

    checks = (*safety.CHECKS, *linear.CHECKS, *strength.CHECKS)

    @classmethod
    def examples(cls, plugin: type[PluginBase]) -> tuple[Mapping[str, Any], ...]:
        """Return every norm that the class allows, each with an eps the kit's network feels."""
        if plugin.threat_class() is not NormBall:  # type: ignore[attr-defined]
            return ({},)
        if "norm" not in plugin.model_fields:
            return ({"eps": EPS[plugin.norm]},)  # type: ignore[attr-defined]
        return tuple({"norm": norm, "eps": EPS[norm]} for norm in _allowed(plugin))

    def others(self) -> Iterator[type[PluginBase]]:
        """Yield the plugins in the parameters, and what the victims are called as."""
        yield from super().others()
        yield Classifier

    @property
    def claims(self) -> Any:
        """The class, for its claims."""
        return self.cls

    @cached_property
    def norm(self) -> Norm | None:
        """The norm of the budget, or None for an attack without one."""
        return None if self.threat.nearest else self.threat.in_norm

    @cached_property
    def threat(self) -> Threat:
        """What it may do with the bench's own parameters."""
        threat: Threat = self.make().threat_model
        return threat

    def must_be_strong(self) -> None:
        """Leave a check that is about strength, for a class that promises none.

        Raises:
            NotApplicable: If the class is a control.
        """
        if self.claims.control:
            raise NotApplicable("the class is a control: no strength is promised")

    @property
    def eps(self) -> float:
        """The radius of the budget."""
        return float(self.make().eps)

    def has(self, name: str) -> bool:
        """Return whether the class has a parameter."""
        return name in self.cls.model_fields

    def with_(self, **parameters: Any) -> Ready:
        """Return the plugin with other values of those parameters that the class has.

        Raises:
            NotApplicable: If the class refuses a value.
        """
        given = {name: value for name, value in parameters.items() if self.has(name)}
        try:
            return self.fresh(**given)
        except ValidationError as error:
            raise NotApplicable(f"the class refuses {given}: {error.errors()[0]['msg']}") from error

    def takes(self, **parameters: Any) -> bool:
        """Return whether the class takes these values."""
        with suppress(ValidationError):
            self.make(**parameters)
            return True
        return False

    def stepping(self, steps: int, eps: float, *, size: float | None = None) -> dict[str, Any]:
        """Return parameters for so many steps from the image itself, 2.5 eps long together.

        Args:
            steps: How many.
            eps: The radius.
            size: A step's length, where that is not `2.5 * eps / steps`.
        """
        parameters: dict[str, Any] = {"eps": eps, "steps": steps, "random_start": False}
        # A class that finds its own length, `step_size = None`, is left to it.
        if size is not None or (
            self.has("step_size") and getattr(self.make(), "step_size", None) is not None
        ):
            parameters["step_size"] = 2.5 * eps / steps if size is None else size
        return parameters

    @property
    def targeted(self) -> bool:
        """Whether it is tried as a targeted attack."""
        return bool(self.make().is_targeted)

    @property
    def starts_anywhere(self) -> bool:
        """Whether it starts at a random point and that cannot be switched off."""
        return bool(self.cls.stochastic) and not self.has("random_start")

    @cached_property
    def ordinary(self) -> Attempt:
        """What it does to the crowd with the bench's own parameters."""
        return self.attempt(self.ready, self.crowd)

    @property
    def follows_gradients(self) -> bool:
        """Whether it used a gradient of the victim."""
        return bool(self.ordinary.gradients.any())

    @cached_property
    def shares(self) -> dict[tuple[bool, bool], float]:
        """Shares of linear optima that were measured, each once: by `box` and `one`."""
        return {}

    @cached_property
    def crowd(self) -> Case:
        """Sixteen images that strength is tried on, in colour where it takes colour."""
        count = most_tried(self.make().takes_channels())
        what = "colour images" if count == 3 else f"images of {count} channels"
        return self.case(f"{what} of 12 x 12", scenes(16, count, 12, 12))

    def cases(self) -> Sequence[Case]:
        """Return colour and grey images of two sizes, and flat ones at the box's bounds."""
        import torch

        claimed = self.make().takes_channels()
        flat = torch.tensor([0.0, 1.0, 0.5])[:, None, None, None]
        cases = [("colour images of 12 x 12", 3, scenes(4, 3, 12, 12))]
        cases += [("grey images of 11 x 15", 1, scenes(3, 1, 11, 15, first=10))]
        cases += [
            (f"images of {count} channels, 9 x 8", count, scenes(2, count, 9, 8, first=20))
            for count in ((5,) if claimed is None else claimed)
            if count not in GREY_AND_COLOUR
        ]
        return (
            *(
                self.case(what, images)
                for what, count, images in cases
                if claimed is None or count in claimed
            ),
            self.case(
                "flat images (black, white, grey) of 8 x 8",
                flat.expand(3, most_tried(claimed), 8, 8).clone(),
            ),
        )

    def case(self, what: str, images: Tensor) -> Case:
        """Label images with what the victim says of them, so that every one is right."""
        import torch

        ids = tuple(f"kit/{what[:4]}-{k}" for k in range(len(images)))
        with torch.no_grad():
            labels = self.victim(images, ids).logits(images).argmax(1)
        return Case(f"{len(images)} {what}", {"images": images, "labels": labels}, ids)

    def victim(self, images: Tensor, ids: Sequence[str]) -> KitTarget:
        """Return a new victim for some images: laid open for an attack that looks into it."""
        from adversity.testing.kinds.attack.victims import KitTarget, LaidOpen, network

        if self.claims.access == "structure":
            return KitTarget(LaidOpen(images[0].numel()), ids)
        return KitTarget(network(images.shape[1]), ids)

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Attack; budget, range and shape are checked on the way."""
        return {"images": self.attempt(ready, case, seed=seed).images}

    def attempt(
        self, ready: Ready, case: Case, *, seed: int = 0, victim: KitTarget | None = None
    ) -> Attempt:
        """Attack some samples and look at what the victim says then.

        Args:
            ready: The attack.
            case: `images`, and the true classes as `labels`; a targeted attack gets the next.
            seed: Of the random streams.
            victim: Instead of the kit's network.
        """
        images, labels = case.rows["images"], case.rows["labels"]
        target = self.victim(images, case.ids) if victim is None else victim
        if ready.plugin.is_targeted:
            labels = (labels + 1) % target.classes
        changed = perturbed(
            ready, cast("Any", target), images, labels, seed=seed, step="kit"
        ).images
        count = len(case)
        cost = target.counts.queries[:count].clone(), target.counts.gradients[:count].clone()
        judged = self.judged(changed, case, victim=target)
        return replace(judged, queries=cost[0], gradients=cost[1])

    def judged(self, images: Tensor, case: Case, *, victim: KitTarget | None = None) -> Attempt:
        """Look at what the victim says of some images instead of those of a case.

        Args:
            images: `[N, C, H, W]`.
            case: Whose labels and ids they have.
            victim: Instead of the kit's network.
        """
        import torch

        from adversity.testing.kinds.attack.victims import log_odds

        target = self.victim(images, case.ids) if victim is None else victim
        labels = case.rows["labels"]
        with torch.no_grad():
            logits = target.logits(images)
        none = torch.zeros(len(case), dtype=torch.int64)
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        margin = (others - logits.gather(1, labels[:, None])[:, 0]).double()
        fooled = logits.argmax(1) != labels
        return Attempt(images, log_odds(logits, labels), margin, fooled, none, none)


def _allowed(plugin: type[PluginBase]) -> list[Norm]:
    """Return the norms that the field `norm` takes, its default first."""
    field = plugin.model_fields["norm"]
    # A plain text says nothing of what it takes: all norms are tried on it.
    named = [field.default, *(get_args(field.annotation) or EPS)]
    known = [norm for norm in dict.fromkeys(named) if norm in EPS]
    return [norm for norm in known if _takes(plugin, norm)] or known


def _takes(plugin: type[PluginBase], norm: Norm) -> bool:
    with suppress(ValidationError):
        plugin(norm=norm, eps=EPS[norm])  # type: ignore[call-arg]
        return True
    return False


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return AttackBench

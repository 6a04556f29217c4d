"""The promise of an attack, and what it sees of its victim."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Never, Protocol, Self

from pydantic import model_validator

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import SNAKE_CASE, PluginBase
from adversity.contracts.threat import Threat
from adversity.contracts.threats import THREATS
from adversity.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from adversity.contracts.structure import Structure
    from adversity.contracts.values import Perturbed
    from adversity.seeding import SampleRng

__all__ = ["Access", "Attack", "AttackInRounds", "Target"]

Access = Literal["nothing", "decisions", "scores", "gradients", "structure"]
"""What an attack may query its victim for, each with what comes before it; `structure` is the
victim laid open, for exact attacks."""


class Target(Protocol):
    """The victim as an attack sees it: the whole chain, one function from images to logits."""

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        ...

    def logits(self, images: Tensor) -> Tensor:
        """Return finite logits `[N, K]`; differentiable in `images` when they require it.

        Every row counts as one query, and as one gradient each time it is differentiated.

        Raises:
            InputError: If the attack's `access` allows less.
        """
        ...

    def decisions(self, images: Tensor) -> Tensor:
        """Return the predicted classes `[N]` int64, all that a decision-based attack sees.

        Every row counts as one query. A victim that gives labels only answers this too.
        """
        ...

    def structure(self) -> Structure | None:
        """Return what the victim is made of, in the space of the images, or None.

        It is None where a link in front of or behind the classifier changes what it says.
        """
        ...

    def rows(self, index: Tensor) -> Target:
        """Return the same victim for some of the rows (solved rows leave)."""
        ...


class Attack(PluginBase):
    '''Change images within a budget so that the victim's answer changes.

    The core, not the attack, decides success and checks the budget, in float64, on what
    is stored.

    With `threat = "norm"` the class has the fields `norm` and `eps`. With `"minimum"` it looks
    for the nearest failure: it has `norm` or is in l2, the distance is what counts, and a field
    `eps` (None: any distance) says from where on a failure no longer counts as success. In
    `linf` an `eps` above 1 is refused, since it is on another scale than [0, 1]. With
    `"parametric"` what it changes is said by a few numbers for each image: it returns
    `Perturbed`, and the core replays `apply` and checks `bounds`. With `"distance"` it keeps
    within `eps` of a `distance` of its own, which the core measures again on what is stored.
    A class that derives from `Threat` is a threat of the author's own.

    Example::

        from typing import ClassVar, Literal
        from pydantic import Field
        from adversity import Attack, hookimpl

        class OneStep(Attack):
            """Go from each image along the sign of the gradient, by the whole budget."""
            name: ClassVar[str] = "one_step"
            stochastic: ClassVar[bool] = False
            norm: Literal["linf"] = "linf"
            eps: float = Field(gt=0, le=1)

            def perturb(self, target, images, labels, rng):
                import torch

                moving = images.clone().requires_grad_()
                logits, label = target.logits(moving), labels[:, None]
                rival = logits.scatter(1, label, -torch.inf).amax(1, keepdim=True)
                lead = logits.gather(1, label) - rival
                (gradient,) = torch.autograd.grad(lead.sum(), moving)
                return (images - self.eps * gradient.sign()).clamp(0, 1)

        @hookimpl
        def adversity_attacks():
            return [OneStep]
    '''

    describes: ClassVar[Kind] = Kind(
        name="attack",
        hook="adversity_attacks",
        noun="an attack",
        role="attack",
        makes="adversarial",
        leaves="adversarial images",
        image_role="adversarial",
        takes=("data", "images", "adversarial"),
        against=("predictions", "scores"),
        keys=("knowledge", "objective", "probe"),
        order=50,
        stage="adversity.engine.stages.attack_stage:AttackRun",
        call="adversity.engine.attack.perturbing:AttackCall",
        public="adversity.engine.public.attack_call:AttackCall",
        kit="adversity.testing.kinds.attack",
    )
    threat: ClassVar[str | type[Threat]] = "norm"
    """What it may do: `norm`, `minimum`, `parametric`, `distance`, or a class of `Threat`."""
    access: ClassVar[Access] = "gradients"
    """What it queries the victim for; the core lets it see no more, and the report says it."""
    tells: ClassVar[tuple[str, ...]] = ()
    """What it returns of each sample beside the image, as `[N]` tensors in `Perturbed.parameters`;
    the tables keep it. A parametric attack returns its parameters, which `bounds` names."""
    stochastic: ClassVar[bool] = True
    control: ClassVar[bool] = False
    """Meant as a control that attacks must beat: no strength is promised."""
    block_rows: ClassVar[int] = 64
    """At most so many rows at once, not padded: the target pads each network's blocks itself,
    so that solved rows can leave and the rest is packed together."""
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)

    @staticmethod
    def claim_faults(plugin: type[Attack]) -> Iterator[str]:
        """Yield what is wrong with the threat that a class claims."""
        if isinstance(plugin.threat, str) and plugin.threat not in THREATS:
            yield (
                f"expected threat of {', '.join(THREATS)} or a class of Threat, got "
                f"{plugin.threat!r}; {did_you_mean(plugin.threat, THREATS, 'choose one')}"
            )
            return
        threat = plugin.threat_class()
        if not SNAKE_CASE.fullmatch(threat.word) or THREATS.get(threat.word, threat) != threat:
            yield (
                f"expected {threat.__name__}.word in snake_case, and none of {', '.join(THREATS)}, "
                f"got {threat.word!r}"
            )
        yield from threat.claim_faults(plugin)

    @classmethod
    def threat_class(cls) -> type[Threat]:
        """Return the class of its threat."""
        return THREATS[cls.threat] if isinstance(cls.threat, str) else cls.threat

    @property
    def threat_model(self) -> Threat:
        """What it may do with these parameters, as a value."""
        return self.threat_class().of(self)

    @property
    def is_targeted(self) -> bool:
        """Whether the labels it is given are target classes: its parameter `targeted`."""
        return bool(getattr(self, "targeted", False))

    @model_validator(mode="after")
    def _fits_its_threat(self) -> Self:
        for fault in self.threat_class().parameter_faults(self):
            raise ValueError(fault)
        return self

    @abstractmethod
    def perturb(
        self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng
    ) -> Tensor | Perturbed:
        """Return adversarial images.

        Args:
            target: The victim.
            images: `[N, C, H, W]` float32 in [0, 1]; must not be changed.
            labels: `[N]` int64: the true classes, or the target classes of a targeted attack.
            rng: Row i for image i.

        Returns:
            `[N, C, H, W]` float32 in [0, 1] within the budget around `images`.
        """

    def apply(self, images: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        """Return the images that parameters make: a parametric attack's whole power.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
            parameters: Named tensors with first axis N.

        Returns:
            `[N, C, H, W]` float32 in [0, 1]; the same whenever it is called.
        """
        raise NotImplementedError(f"attack {self.name!r} has no parameters to apply")

    def distance(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return how far images are: what `eps` of an attack by distance bounds.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
            clean: The same, what they started from.

        Returns:
            `[N]` floating-point, finite, 0 or more, and 0 of an image to itself; row i depends
            on row i alone, and it is the same whenever it is called.
        """
        raise NotImplementedError(f"attack {self.name!r} has no distance of its own")

    @property
    def costs_at_most(self) -> tuple[int, int] | None:
        """At most so many queries, and so many gradients, of one sample, with these parameters.

        What `adversity validate` says before a run. A query that is differentiated counts as
        both. It depends on the parameters alone; None: that is not known before.
        """
        return None

    @property
    def least_classes(self) -> int:
        """How many classes a victim must have with these parameters; a decision to accept has two."""
        return 2

    @property
    def measure(self) -> str:
        """What `distance` measures, in the words of the report: `perceptual distance in ...`."""
        return "a distance of its own"

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """Within what each parameter of a parametric attack stays: its budget.

        One whose name ends in `_seed` says which random numbers are drawn, and is called that
        in the report.
        """
        return {}


class AttackInRounds(Attack):
    """An attack that is several attacks, run by the core one after the other, cheap ones first.

    A round gets the samples that were right at the start and still stand after the rounds before
    it; those that fell have left. What each sample cost is added up. Of a sample that stands to
    the end the worst image of all rounds is kept: that where the best other class leads most.

    Between two rounds the core may stop, unless `stops` is false: where gates on
    `robust_accuracy` or `attack_success` would have the same verdict however many of those that stand still fell.

    Such an attack is untargeted, keeps within a budget, and is not parametric; `access` is the
    widest of its rounds.
    """

    tells: ClassVar[tuple[str, ...]] = ("solved_by",)
    """`solved_by`: the number of the round that fooled the sample, counted from 1; 0 for none."""
    stops: ClassVar[bool] = True
    """Whether the core may stop between two rounds; not where the whole is what is published."""

    @abstractmethod
    def rounds(self) -> Mapping[str, Attack]:
        """Return the attacks in the order in which they run, each under a short name.

        It depends on the parameters alone and is called before `setup`. Each round has the
        threat of the whole, and its name keys its random streams.
        """

    @property
    def costs_at_most(self) -> tuple[int, int] | None:
        """What its rounds cost at most, all together; None where one of them does not say."""
        costs = [attack.costs_at_most for attack in self.rounds().values()]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(costs):
            return None
        return sum(cost[0] for cost in known), sum(cost[1] for cost in known)

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Never:
        """Refuse: the core runs the rounds."""
        raise NotImplementedError(f"attack {self.name!r} is run round by round, by the core")

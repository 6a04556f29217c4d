"""For each check of classifiers, one that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from kit_subjects import Bands
from pydantic import PrivateAttr

from adversity import Classifier, Fitted, Plugin, State
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.create import ClassifierCall as PublicCall
from adversity.errors import NotFittedError, PluginError
from adversity.testing import check_plugin
from adversity.testing.kinds.classifier import ClassifierBench

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Nameless(Bands):
    """Calls two classes the same."""

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("top", "middle", "middle")


class Constant(Bands):
    """Looks at nothing."""

    differentiable: ClassVar[bool] = False

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return torch.tensor([1.0, 2.0, 3.0]).expand(len(images), 3).clone()


class Disguised(Bands):
    """Gives probabilities and calls them logits."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits(images).softmax(1)


class Honest(Disguised):
    """Say what it gives."""

    gives: ClassVar[Any] = "probs"


class Blended(Bands):
    """Adds the first image's features to everybody's."""

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        own = super().features(images)
        assert own is not None
        return own + own[:1]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return torch.sin(4 * Bands.features(self, images))  # type: ignore[operator]


class Headed(Bands):
    """Says how its features lead to its logits."""

    def head(self, features: torch.Tensor) -> torch.Tensor | None:
        return torch.sin(4 * features)


class Askew(Headed):
    """Says it a little wrong."""

    def head(self, features: torch.Tensor) -> torch.Tensor | None:
        return torch.sin(4 * features) + 0.01


class Tensorial(Bands):
    """Tells the report a tensor."""

    def describe(self) -> dict[str, Any]:
        return {"weights": torch.zeros(2)}


class Halved(Bands):
    """Hands on half of the gradient."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits((images + images.detach()) / 2)


class ClampedBands(Bands):
    """Limits its input with torch.clamp, which has no derivative at 0 and 1."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits(images.clamp(0, 1))


class Means(Fitted, Classifier):
    """Nearest mean of what tells stripes from discs: energy along each axis."""

    name: ClassVar[str] = "means"
    _means: Any = PrivateAttr(default=None)
    _names: tuple[str, ...] = PrivateAttr(default=())

    def _energy(self, images: torch.Tensor) -> torch.Tensor:
        grey = images.mean(1)
        down, across = grey.diff(dim=1).square(), grey.diff(dim=2).square()
        return 30 * torch.stack([down.mean((1, 2)), across.mean((1, 2))], 1)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        energy = torch.cat([self._energy(block.images) for block in data])
        targets = torch.cat([block.targets for block in data])
        means = [energy[targets == k].mean(0) for k in range(len(data.class_names))]
        return State({"means": torch.stack(means).numpy()}, {"names": list(data.class_names)})

    def load(self, state: State) -> None:
        self._means = torch.from_numpy(state.arrays["means"].copy())
        self._names = tuple(state.info["names"])

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._names

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        if self._means is None:
            raise NotFittedError("fit it first")
        return -(self._energy(images)[:, None] - self._means).square().sum(2)


class Shuffled(Means):
    """Learns the classes of other images."""

    def load(self, state: State) -> None:
        super().load(state)
        self._means = self._means.roll(1, 0)


class Netted(Bands):
    """Keeps a network, which says nothing."""

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        super().setup(device)
        self._network = torch.nn.Identity().eval()


class Around(Classifier):
    """Answers as a classifier in its parameters does."""

    name: ClassVar[str] = "around"
    examples: ClassVar[Any] = ({"network": Netted()},)
    network: Plugin[Classifier]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.network.class_names  # type: ignore[no-any-return]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.answers(images)  # type: ignore[no-any-return]


class Training(Around):
    """Leaves the network as it would be trained."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        for network in self.network.networks():
            network.train()
        return super().logits(images)


class Zigzag(torch.nn.Module):
    """Many narrow bends: only float64 comes between them, and float32 weights refuse that."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[1.0], [2.0], [3.0]]))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        high = (values * 131072 + 0.25).remainder(1)
        bent = values + torch.minimum(high, 1 - high) / 65536
        return torch.nn.functional.linear(bent, self.weight)


class Bent(Netted):
    """Answers by such a network, or by that of the classifier around which it is put."""

    def setup(self, device: str) -> None:
        super().setup(device)
        self._network = Zigzag().eval()

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self._network(images.mean((1, 2, 3))[:, None])  # type: ignore[no-any-return]


class AroundBent(Around):
    """The same, from without."""

    examples: ClassVar[Any] = ({"network": Bent()},)


class Many(Bands):
    """Says what two members answer."""

    def member_probs(self, images: torch.Tensor) -> torch.Tensor | None:
        logits = Bands.logits(self, images)
        return torch.stack([logits.softmax(1), (2 * logits).softmax(1)])


class Huddled(Many):
    """Its second member looks at the first image alone."""

    def member_probs(self, images: torch.Tensor) -> torch.Tensor | None:
        said = super().member_probs(images)
        assert said is not None
        return torch.stack([said[0], said[1, :1].expand_as(said[1])])


class Unlooking(Bands):
    """Has members that look at nothing."""

    def member_probs(self, images: torch.Tensor) -> torch.Tensor | None:
        return torch.full((2, len(images), 3), 1 / 3)


TWINS = {
    "classes_are_named": Nameless,
    "images_matter": Constant,
    "gives_what_it_says": Disguised,
    "features_by_row": Blended,
    "head_leads_to_answers": Askew,
    "members_by_row": Huddled,
    "facts_are_json": Tensorial,
    "learns": Shuffled,
    "networks_as_found": Training,
    "gradient_is_right": Halved,
    "bounds_are_felt": ClampedBands,
}


@pytest.mark.parametrize("plugin", [Bands, Headed, Many, Means, Around])
def test_sound_classifier_passes(plugin: Any) -> None:
    """A fixed and a fitted classifier that keep their promises fail nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_its_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """The broken twin is found, and nothing else is said against it."""
    assert failed(TWINS[name]).keys() == {name}


@pytest.mark.parametrize("plugin", [Bent, AroundBent])
def test_a_bent_network_is_tried_in_float64_wherever_it_is(plugin: Any) -> None:
    """Its own, and that of a classifier in a parameter: both are made wide, and come back."""
    found = check_plugin(plugin, only=["gradient_is_right"])
    assert [outcome.status for outcome in found.outcomes] == ["passed"], found


def test_what_gives_no_logits_is_not_tried_for_them() -> None:
    """Probabilities that are called so are no disguise: the check does not apply."""
    found = check_plugin(Honest)
    (outcome,) = (o for o in found.outcomes if o.check == "gives_what_it_says")
    assert (outcome.status, "it gives probs" in outcome.message) == ("skipped", True)


def test_every_check_has_a_twin() -> None:
    """No check of the kind goes without a plugin that it catches."""
    assert {check.name for check in ClassifierBench.checks} == set(TWINS)


def test_members_that_look_at_nothing_are_found(failed: Callable[..., dict[str, str]]) -> None:
    """As an answer is that does."""
    assert "members that look at the image" in failed(Unlooking)["members_by_row"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (torch.zeros(2, 4, 3), "members: "),
        (torch.full((4, 3), 1 / 3), r"expected members of shape \[M, 16, 3\]"),
        ("none", "expected a tensor of members, got str"),
    ],
)
def test_what_are_no_members_is_refused(said: Any, fault: str) -> None:
    """Rows that are no distributions, one answer, or no tensor, named with the plugin."""

    class Wrong(Bands):
        name: ClassVar[str] = "wrong"

        def member_probs(self, images: torch.Tensor) -> Any:
            return torch.zeros(2, len(images), 3) if getattr(said, "ndim", 0) == 3 else said

    wrong = PublicCall(set_up(Wrong(), "classifier wrong", "cpu"))
    with pytest.raises(PluginError, match=fault):
        wrong.member_probs(torch.rand(4, 3, 16, 16))

"""The final call of what asks a network several times: networks as found, answers checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from torch import nn

from adversity import Classifier, Predictive, Sampling
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.own_network import ready_network
from adversity.errors import InputError, PluginError
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = torch.rand((5, 1, 8, 8), generator=torch.Generator().manual_seed(0))
RNG = SampleRng(seed=0, step="here", ids=list("abcde"))


class Plain(Sampling):
    """What the network says, twice; `then` does something with the network before."""

    name: ClassVar[str] = "plain"

    def estimate(self, models: Any, images: Any, rng: Any) -> Any:
        return Predictive(members=torch.stack([models[0](images).softmax(1)] * 2))


def network() -> nn.Sequential:
    """A network with whatever can be left changed."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 3)
    )
    return net.eval()


def asked(method: type[Sampling], net: nn.Module) -> Predictive:
    """Ask a bare network with a method."""
    model = ClassifierModel(ready_network(net).call)
    call = Ready(method(), 'uncertainty "plain"').call
    answer: Predictive = call((model,), IMAGES, RNG)
    return answer


def state(net: nn.Module) -> list[Any]:
    """Everything that must be as it was."""
    parts = list(net.modules())
    values = [value.detach().clone() for value in net.state_dict().values()]
    hooks = [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts]
    learns = [(p.requires_grad, p.grad is None) for p in net.parameters()]
    return [
        parts,
        [part.training for part in parts],
        hooks,
        learns,
        *map(torch.Tensor.tolist, values),
    ]


def keep_the_hook(net: Any) -> None:
    net[2].register_forward_hook(lambda *_: None)


def move_a_buffer(net: Any) -> None:
    net[1].running_mean += 1


def move_a_weight(net: Any) -> None:
    with torch.no_grad():
        net[4].weight.mul_(1.5)


def new_layer(net: Any) -> None:
    net[2] = nn.Identity()


def new_forward(net: Any) -> None:
    net.forward = lambda images: net[4](net[3](net[1](net[0](images))))


def a_gradient(net: Any) -> None:
    with torch.enable_grad():
        net[0](IMAGES).sum().backward()


CHANGES = {
    "mode": lambda net: net.train(),
    "mode of a part": lambda net: net[2].train(),
    "hooks": keep_the_hook,
    "buffers": move_a_buffer,
    "weights": move_a_weight,
    "layers": new_layer,
    "requires_grad": lambda net: net[0].weight.requires_grad_(requires_grad=False),
    "forward": new_forward,
    "gradients": a_gradient,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("fails", [False, True])
def test_networks_are_left_as_found(name: str, fails: bool) -> None:
    """What a method leaves is put back and refused; where it fails, its own error comes through."""
    change: Callable[[Any], None] = CHANGES[name]

    class Leaves(Plain):
        """Changes the network and goes."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            answer = super().estimate(models, images, rng)
            change(models[0].networks()[0])
            if fails:
                raise InputError("meant")
            return answer

    net = network()
    before = state(net)
    if fails:
        with pytest.raises(InputError, match="meant"):
            asked(Leaves, net)
    else:
        with pytest.raises(PluginError, match=f"as they were found.*{name.split()[0]}"):
            asked(Leaves, net)
    assert state(net) == before


def test_what_is_put_back_by_the_method_is_no_change() -> None:
    """A weight that is moved and moved back counts as found; so does NaN in a buffer."""

    class Careful(Plain):
        """Leaves all as it was."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            weight = models[0].networks()[0][4].weight
            kept = weight.detach().clone()
            with torch.no_grad():
                weight.zero_()
                answer = super().estimate(models, images, rng)
                weight.copy_(kept)
            return answer

    net = network()
    net.register_buffer("unused", torch.tensor(float("nan")))
    assert torch.allclose(asked(Careful, net).probs, net[4].bias.softmax(0).expand(5, 3))


def test_the_answer_is_the_mean_of_the_members() -> None:
    """In float64, then rounded; one that gives `probs` itself is taken at its word."""
    given = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])

    class Two(Plain):
        """Says two things."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            return Predictive(members=given[:, None].expand(2, len(images), 3))

    class Own(Two):
        """Says something else as its answer."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            members = super().estimate(models, images, rng).members
            return Predictive(members[0], members=members)

    said = asked(Two, network())
    assert torch.equal(said.probs, given.double().mean(0).float().expand(5, 3))
    assert torch.equal(said.members, given[:, None].expand(2, 5, 3))
    assert torch.equal(asked(Own, network()).probs, given[0].expand(5, 3))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: None, "expected a Predictive with members, got NoneType"),
        (
            lambda n: Predictive(torch.full((n, 3), 1 / 3)),
            "expected a Predictive with members, got none",
        ),
        (lambda n: Predictive(members=torch.full((n, 3), 1 / 3)), r"members of shape \[M, 64, 3\]"),
        (
            lambda n: Predictive(members=torch.full((0, n, 3), 1 / 3)),
            r"members of shape \[M, 64, 3\]",
        ),
        (
            lambda n: Predictive(members=torch.full((2, n, 3), 0.5)),
            "members: expected rows of prob",
        ),
        (
            lambda n: Predictive(members=torch.full((2, n, 3), float("nan"))),
            "members: expected finite",
        ),
        (
            lambda n: Predictive(torch.ones(n, 3), members=torch.full((2, n, 3), 1 / 3)),
            "expected rows of probabilities",
        ),
    ],
)
def test_a_wrong_answer_is_refused(answer: Any, message: str) -> None:
    """With what was expected, what came, and the plugin's name."""

    class Wrong(Plain):
        """Says something wrong."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            return answer(len(images))

    with pytest.raises(PluginError, match=f'"plain", samples a .*{message}'):
        asked(Wrong, network())


def test_images_are_left_alone() -> None:
    """A method works on a copy, and must not change it."""

    class Dims(Plain):
        """Dims the images in place."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            return super().estimate(models, images.mul_(0.5), rng)

    before = IMAGES.clone()
    with pytest.raises(PluginError, match="changed the images in place"):
        asked(Dims, network())
    assert torch.equal(IMAGES, before)


def test_rows_that_mix_are_refused() -> None:
    """An answer that hangs on the images beside it is no answer to one."""

    class Batch(Plain):
        """Looks at the images less their mean."""

        def estimate(self, models: Any, images: Any, rng: Any) -> Any:
            return super().estimate(models, images - images.mean(0) + 0.5, rng)

    with pytest.raises(PluginError, match="depends on what lies beside"):
        asked(Batch, network())


class Says(Classifier):
    """Gives what its class says it gives."""

    name: ClassVar[str] = "says"
    gives: ClassVar[Any] = "probs"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        bright = images.mean((1, 2, 3))
        return torch.stack([1 - bright, bright], 1)


def test_a_classifier_of_probabilities_answers_with_their_logarithm() -> None:
    """The softmax of what the model says is what the classifier gives; it holds no network."""
    ready = Ready(Says(), 'classifier "says"')
    model = ClassifierModel(ready.call)
    assert torch.allclose(model(IMAGES).softmax(1), ready.plugin.logits(IMAGES), atol=1e-6)
    assert model.networks() == ()


def test_a_classifier_of_labels_is_refused() -> None:
    """A class alone does not say how an answer varies."""

    class Labels(Says):
        """Gives labels."""

        gives: ClassVar[Any] = "labels"

    with pytest.raises(InputError, match="gives labels only: expected logits or prob"):
        ClassifierModel(Ready(Labels(), 'classifier "says"').call)

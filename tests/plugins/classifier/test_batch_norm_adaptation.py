"""Batch norm estimated anew: against torch's own training mode, by hand, and through a run."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr
from torch import nn

import adversity
from adversity import Classifier, State
from adversity.engine.calls.networks import Found
from adversity.errors import InputError, NotFittedError, PluginError, WeightsError
from adversity_plugins.classifier.network._adaptation import entropy
from adversity_plugins.classifier.network.batch_norm_adaptation import BatchNormAdaptation


class Normed(nn.Module):
    """Two convolutions, each with a batch norm, one of which torch is asked for by its low name."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, bias=False), nn.Conv2d(4, 6, 3)
        self.norm, self.other = nn.BatchNorm2d(4), nn.BatchNorm2d(6, eps=1e-3)
        self.unused, self.last = nn.BatchNorm2d(3), nn.Linear(6, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.features(images))  # type: ignore[no-any-return]

    def features(self, images: torch.Tensor) -> torch.Tensor:
        rows = self.second(self.norm(self.first(images)).relu())
        other = self.other
        normed = torch.batch_norm(
            rows,
            other.weight,
            other.bias,
            other.running_mean,
            other.running_var,
            self.training,
            0.1,
            other.eps,
            False,
        )
        return normed.relu().mean((2, 3))


class Small(Classifier):
    """A network with statistics of its own."""

    name: ClassVar[str] = "small"
    plain: bool = False
    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(4)
            network = nn.Sequential(nn.Flatten(), nn.LazyLinear(2)) if self.plain else Normed()
            for part in network.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.running_mean.normal_(0, 0.2)
                    part.running_var.uniform_(0.5, 2)
                    part.weight.data.uniform_(0.5, 1.5)
                    part.bias.data.normal_(0, 0.2)
        self._network = network.eval().to(device)

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self._network(images)  # type: ignore[no-any-return]

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        return None if self.plain else self._network.features(images)

    def head(self, features: torch.Tensor) -> torch.Tensor | None:
        return None if self.plain else self._network.last(features)


@pytest.fixture
def small() -> Any:
    """A classifier that is ready, in whose parameters it may stand."""
    from adversity.engine.calls.set_up import set_up
    from adversity.engine.public.create import ClassifierCall

    return ClassifierCall(set_up(Small(), "small", "cpu"))


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) ** 2


def network_of(call: Any) -> Normed:
    return call.ready.plugin._network  # type: ignore[no-any-return]


def adapted(small: Any, seen: torch.Tensor, **parameters: Any) -> Any:
    return adversity.create("classifier", "batch_norm_adaptation", network=small, **parameters).fit(
        seen
    )


def rebuilt(small: Any, state: State) -> Normed:
    """Return a copy of the network that has the layers of a state, put in by hand."""
    network = copy.deepcopy(network_of(small))
    for name in ("norm", "other"):
        part = getattr(network, name)
        for field, place in (("mean", part.running_mean), ("var", part.running_var)):
            place.copy_(torch.from_numpy(state.arrays[f"{field}.0.{name}"]))
        for field in ("weight", "bias"):
            getattr(part, field).data.copy_(torch.from_numpy(state.arrays[f"{field}.0.{name}"]))
    return network


def test_the_head_leads_from_adapted_features_to_answers(small: Any) -> None:
    """The features are those of the adapted network, no longer those of the other."""
    seen = images(40)
    call = adapted(small, seen)
    features = call.features(seen)
    assert float((features - small.features(seen)).abs().max()) > 0.01
    torch.testing.assert_close(call.head(features), call(seen), rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [3, 64, 150])
def test_it_is_one_batch_of_all_images(small: Any, count: int) -> None:
    """As torch normalises a batch of them all: padding counts nothing, whatever the blocks.

    Sums of float32 in another order are apart by some 1e-6 of the largest value, and two layers
    and their roots make ten times that of it.
    """
    seen = images(count)
    call = adapted(small, seen)
    whole = copy.deepcopy(network_of(small)).train()
    with torch.no_grad():
        expected = whole(seen)
    assert torch.allclose(call(seen), expected, atol=2e-5, rtol=0)
    assert not torch.allclose(small(seen), expected, atol=1e-2, rtol=0)
    state = call.ready.state
    assert {**state.info, "entropy": 0} == {"n": count, "layers": 2, "steps": 0, "entropy": 0}
    assert state.info["entropy"] == pytest.approx(float(entropy(expected).mean()), abs=1e-5)
    unused = network_of(small).unused
    assert call.ready.state.arrays["mean.0.unused"].tolist() == unused.running_mean.tolist()


def test_the_networks_own_statistics_count_as_images(small: Any) -> None:
    """By hand, of the first layer: N of its own, n that were seen; the variance is over n alone."""
    seen, network = images(40), network_of(small)
    state = adapted(small, seen, prior=10).ready.state
    with torch.no_grad():
        rows = network.first(seen).double().transpose(0, 1).flatten(1)
    for field, own, now in (
        ("mean", network.norm.running_mean, rows.mean(1)),
        ("var", network.norm.running_var, rows.var(1, unbiased=False)),
    ):
        expected = (10 * own.double() + 40 * now) / 50
        assert state.arrays[f"{field}.0.norm"] == pytest.approx(expected.numpy(), abs=1e-6)


def test_with_a_prior_beyond_all_images_it_is_the_network(small: Any) -> None:
    """To the bit."""
    seen = images(30)
    assert torch.equal(adapted(small, seen, prior=1e300)(seen), small(seen))


@pytest.mark.parametrize("entropy_steps", [0, 3])
def test_the_network_is_left_as_it_is(small: Any, entropy_steps: int) -> None:
    """Weights, buffers, modes, hooks and gradients, after a fit, answers and a gradient."""
    network = network_of(small)
    found, before = Found([network]), small(images(5))
    call = adapted(small, images(40), entropy_steps=entropy_steps)
    inputs = images(5).requires_grad_()
    torch.autograd.grad(call.ready.call.answers(inputs).sum(), inputs)
    assert found.put_back() == []
    assert torch.equal(small(images(5)), before)
    assert not torch.equal(call(images(5)), before)


def test_entropy_falls_by_weights_and_biases_alone(small: Any) -> None:
    """Each step is lower or none; the first goes where torch's own gradient says."""
    seen = images(70)
    still = adapted(small, seen)
    call = adapted(small, seen, entropy_steps=8, step_size=0.05)
    entropies = [row["entropy"] for row in call.history]
    assert all(later <= earlier for earlier, later in pairwise(entropies))
    assert entropies[-1] < entropies[0] - 1e-3
    assert entropies[-1] == pytest.approx(float(entropy(call(seen)).mean()), abs=1e-6)
    first, second = still.ready.state.arrays, call.ready.state.arrays
    for name in first:
        same = (first[name] == second[name]).all()
        assert same == (not name.startswith(("weight", "bias")) or name.endswith("unused"))
    one = adapted(small, seen, entropy_steps=1, step_size=0.05).ready.state.arrays
    network = rebuilt(small, still.ready.state)
    entropy(network(seen)).mean().backward()
    slopes = {
        f"{field}.0.{name}": getattr(getattr(network, name), field).grad
        for name in ("norm", "other")
        for field in ("weight", "bias")
    }
    steepest = max(float(slope.abs().max()) for slope in slopes.values())
    for name, slope in slopes.items():
        expected = first[name] - 0.05 * (slope / steepest).numpy()
        # The gradient is summed over blocks: float32, a thousandth of a step.
        assert one[name] == pytest.approx(expected, abs=5e-5)


def test_answers_and_gradients_are_those_of_the_adapted_network(small: Any) -> None:
    """A copy of the network with the layers put in by hand says the same, and so does its slope."""
    call, inputs = adapted(small, images(40), entropy_steps=2), images(20, 5).requires_grad_()
    network = rebuilt(small, call.ready.state)
    ours = torch.autograd.grad(call.ready.call.answers(inputs)[:, 0].sum(), inputs)[0]
    theirs = torch.autograd.grad(network(inputs)[:, 0].sum(), inputs)[0]
    with torch.no_grad():
        assert torch.allclose(call(inputs.detach()), network(inputs), atol=1e-6)
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_a_row_is_about_itself(small: Any) -> None:
    """One by one or all together: the same bits, unlike those of a batch."""
    call, rows = adapted(small, images(40)), images(20, 6)
    assert torch.equal(torch.cat([call(row[None]) for row in rows]), call(rows))


def test_networks_without_batch_norm_are_refused(small: Any) -> None:
    """With what they are, and what to do; nor is one reached that is a program."""
    from adversity.engine.calls.set_up import set_up
    from adversity.engine.public.create import ClassifierCall

    plain = ClassifierCall(set_up(Small(plain=True), "small", "cpu"))
    plain(images(2))
    with pytest.raises(InputError, match="Sequential has none with running statistics: use"):
        adapted(plain, images(4))
    tree = adversity.create("classifier", "decision_tree").fit(images(6), [0, 1] * 3)
    with pytest.raises(InputError, match="the classifier, which keeps no network in Python, has"):
        adapted(tree, images(4))
    script = ClassifierCall(set_up(Small(), "small", "cpu"))
    with pytest.warns(FutureWarning, match="deprecated"):
        script.ready.plugin._network = torch.jit.trace(network_of(small), images(2))
    with pytest.raises(InputError, match="TorchScript program, whose layers never come to Python"):
        adapted(script, images(4))


def test_what_cannot_be_used_is_refused(small: Any) -> None:
    """No fit, labels among what is seen, and a state of another network."""
    plugin = BatchNormAdaptation(network=small)
    with pytest.raises(NotFittedError, match="expects a network that was adapted"):
        plugin.logits(images(2))
    call = adversity.create("classifier", "batch_norm_adaptation", network=small)
    with pytest.raises(adversity.errors.DataError, match="unlabelled: expected it without labels"):
        call.fit(images(4), [0, 1, 0, 1])
    state = adapted(small, images(8)).ready.state
    arrays = {name: value for name, value in state.arrays.items() if name != "mean.0.norm"}
    with pytest.raises((WeightsError, PluginError), match="stored batch norm of this network"):
        call.ready.plugin.load(State(arrays, state.info))


class Twice(Small):
    """Normalises with one layer twice."""

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        again = self._network.norm(self._network.norm(self._network.first(images)))
        return again.mean((2, 3))[:, :2]  # type: ignore[no-any-return]


def test_a_layer_that_is_called_twice_is_refused() -> None:
    """What it gets the second time hangs on what it is to find."""
    from adversity.engine.calls.set_up import set_up
    from adversity.engine.public.create import ClassifierCall

    call = ClassifierCall(set_up(Twice(), "twice", "cpu"))
    with pytest.raises(InputError, match=r"expected each .* 0\.norm was called twice"):
        adapted(call, images(4))

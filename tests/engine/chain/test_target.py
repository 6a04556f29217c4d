"""The chain target: exact gradients, BPDA, EOT, log p, counts, and everything left as found."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import PostHoc, Restoration
from adversity.engine.calls.networks import as_found
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.engine.chain.victim import target
from adversity.errors import InputError


def chain(*readies: Any, ids: Any, **kwargs: Any) -> ChainTarget:
    """Compose ready plugins."""
    return ChainTarget([Link(f"step{i}", r) for i, r in enumerate(readies)], ids=ids, **kwargs)


def gradient(victim: ChainTarget, images: torch.Tensor) -> torch.Tensor:
    """Differentiate the first logit."""
    point = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(victim.logits(point)[:, 0].sum(), point)
    return found


def test_gradient_goes_through_a_differentiable_restoration(
    plugins: Any, images: Any, ids: Any
) -> None:
    """Halving before a linear net halves its gradient; finite differences agree."""
    alone = gradient(chain(plugins["net"], ids=ids), images)
    through = gradient(chain(plugins["halve"], plugins["net"], ids=ids), images)
    assert torch.allclose(through, alone / 2, atol=1e-6)


def test_bpda_passes_the_gradient_of_a_rounding_link(plugins: Any, images: Any, ids: Any) -> None:
    """Forward the answer is the rounded chain's, bit for bit; backward it is the identity's."""
    victim = chain(plugins["rounded"], plugins["net"], ids=ids)
    point = images.clone().requires_grad_()
    logits = victim.logits(point)
    rounded = (images * 7).round() / 7
    assert torch.equal(logits.detach(), chain(plugins["net"], ids=ids).logits(rounded))
    (found,) = torch.autograd.grad(logits[:, 0].sum(), point)
    assert torch.allclose(found, gradient(chain(plugins["net"], ids=ids), rounded), atol=1e-6)
    assert victim.described[0]["gradient"] == "BPDA (identity)"


def test_own_surrogate_is_used(make_ready: Any, plugins: Any, images: Any, ids: Any) -> None:
    """A plugin's surrogate stands in for the identity: its slope of 3 shows in the gradient."""

    class Steep(Restoration):
        """Round; claim a slope of three."""

        name = "steep"

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
            return (images * 7).round() / 7

        def surrogate(self, images: torch.Tensor) -> torch.Tensor:
            return 3 * images

    plain = gradient(chain(plugins["rounded"], plugins["net"], ids=ids), images)
    steep = chain(make_ready(Steep()), plugins["net"], ids=ids)
    assert torch.allclose(gradient(steep, images), 3 * plain, atol=1e-5)
    assert "surrogate" in steep.described[0]["gradient"]


def test_size_changing_link_gets_a_resize(
    make_ready: Any, plugins: Any, images: Any, ids: Any
) -> None:
    """A link that changes sizes gets a gradient of the input's size that is not zero."""

    class Double(Restoration):
        """Repeat every pixel; not differentiable by its own word."""

        name = "double"
        scale = 2

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
            return images.repeat_interleave(2, 2).repeat_interleave(2, 3)

    small = images[:, :, ::2, ::2].contiguous()
    found = gradient(chain(make_ready(Double()), plugins["net"], ids=ids), small)
    assert found.shape == small.shape
    assert float(found.abs().min(dim=0).values.max()) > 0


def test_stochastic_link_is_averaged_over_draws(plugins: Any, images: Any, ids: Any) -> None:
    """With noise in the chain the logits are log mean p over 8 draws, and it is said."""
    victim = chain(plugins["shift"], plugins["net"], ids=ids)
    assert victim.draws == 8
    assert "EOT" in victim.described[0]["gradient"]
    logits = victim.logits(images)
    # log of a mean of probabilities: each row is itself log-normalised.
    assert torch.allclose(logits.logsumexp(1), torch.zeros(len(images)), atol=1e-5)
    assert bool(gradient(victim, images).abs().flatten(1).sum(1).min() > 0)


class Certain(PostHoc):
    """Put all probability on the top class, so that others are exactly 0."""

    name = "certain"

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float()


def test_zero_probabilities_pass_the_incoming_gradient(
    make_ready: Any, plugins: Any, images: Any, ids: Any
) -> None:
    """Where p is 0 log p stays finite and the gradient is that of the incoming logits."""
    victim = chain(plugins["net"], make_ready(Certain()), ids=ids)
    assert bool(victim.logits(images).isfinite().all())
    expected = gradient(chain(plugins["net"], ids=ids), images)
    assert torch.allclose(gradient(victim, images), expected, atol=1e-6)


def test_rows_do_not_depend_on_their_neighbours(plugins: Any, images: Any, ids: Any) -> None:
    """Logits of some rows are bit for bit those of the whole."""
    victim = chain(plugins["halve"], plugins["net"], ids=ids)
    order = torch.tensor([19, 2, 5])
    assert torch.equal(victim.rows(order).logits(images[order]), victim.logits(images)[order])


def test_padding_rows_cost_nothing(plugins: Any, images: Any, ids: Any) -> None:
    """Queries and gradients belong to samples; a repeated row counts once."""
    victim = chain(plugins["net"], ids=ids)
    gradient(victim.rows([4, 5, 5, 5]), images[[4, 5, 5, 5]])
    assert victim.counts.queries[:7].tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert victim.counts.gradients[:7].tolist() == [0, 0, 0, 0, 1, 1, 0]


def test_target_needs_exactly_one_classifier(plugins: Any, ids: Any) -> None:
    """None or two classifiers are refused in words."""
    with pytest.raises(InputError, match="exactly one classifier, got 0"):
        chain(plugins["halve"], ids=ids)
    with pytest.raises(InputError, match=r"expected plugins from adversity\.create"):
        target("net")


def test_a_link_stands_where_it_can(plugins: Any, ids: Any) -> None:
    """A restoration behind the classifier would get its logits: it is refused, with its name."""
    with pytest.raises(InputError, match=r'restoration "halve" .* cannot stand behind the class'):
        chain(plugins["net"], plugins["halve"], ids=ids)
    fgsm = adversity.create("attack", "fgsm", eps=0.1)
    with pytest.raises(InputError, match=r'attack "fgsm" .* cannot stand before the classifier'):
        chain(fgsm.ready, plugins["net"], ids=ids)


def test_network_is_left_exactly_as_found(images: Any) -> None:
    """Mode of every layer, BN buffers, gradients, requires_grad and RNG state are untouched."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5),
        torch.nn.Flatten(), torch.nn.Linear(64, 3),
    ).train()  # fmt: skip
    net[1].eval()
    net[4].bias.requires_grad_(False)
    learning = [p.requires_grad for p in net.parameters()]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    state = torch.get_rng_state()
    bound = target(net).bind(tuple(map(str, range(21))))
    with as_found([net]):
        truth = bound.answer(images).predicted
    result = adversity.create("attack", "pgd", eps="8/255", steps=3)(target(net), images, truth)
    assert bool(result.success.any())
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [p.requires_grad for p in net.parameters()] == learning
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_judge_and_attack_see_one_chain_behind_probabilities(
    make_ready: Any, plugins: Any, images: Any, ids: Any
) -> None:
    """A classifier that gives probabilities is calibrated on log p, judged as attacked."""

    class Soft(type(plugins["net"].plugin)):  # type: ignore[misc]
        """Give the fixed net's probabilities."""

        name = "soft"
        gives: ClassVar[Any] = "probs"

        def logits(self, images: torch.Tensor) -> torch.Tensor:
            values: torch.Tensor = super().logits(images).softmax(1)
            return values

    class Halved(PostHoc):
        """A temperature of two."""

        name = "halved"

        def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
            return (logits / 2).softmax(1)

    victim = chain(make_ready(Soft()), make_ready(Halved()), ids=ids)
    probs = victim.answer(images).probs
    assert probs is not None
    net = plugins["net"].plugin.logits(images)
    # log of a float32 softmax loses up to 1e-6 of the logit it came from.
    assert torch.allclose(probs, (net / 2).softmax(1), atol=1e-5)
    assert torch.allclose(victim.logits(images).softmax(1), probs, atol=1e-5)

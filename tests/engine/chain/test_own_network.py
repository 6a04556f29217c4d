"""A user's own network: taken as people hold it, or refused in words that name it."""

from __future__ import annotations

import re
import warnings
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import adversity
from adversity.errors import InputError

IMAGES = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
Output = namedtuple("Output", "aux logits")


def plain() -> nn.Sequential:
    """Return a small convolutional network of 4 classes with fixed weights."""
    generator = torch.Generator().manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 4))
    for weight in net.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) * 0.2
    return net.eval()


class Returns(nn.Module):
    """The network above, whose answer is packed in some way."""

    def __init__(self, pack: Any) -> None:
        super().__init__()
        self.net, self.pack = plain(), pack

    def forward(self, images: Tensor) -> Any:
        return self.pack(self.net(images))


def attacked(net: nn.Module, name: str = "fgsm") -> Any:
    """Attack a network of 4 classes."""
    attack = adversity.create("attack", name, norm="linf", eps="8/255")
    return attack(adversity.target(net), IMAGES, torch.tensor([0, 1, 2, 3, 0, 1]))


@pytest.mark.parametrize(
    "pack",
    [
        lambda z: (z,),
        lambda z: {"logits": z, "features": z + 1},
        lambda z: {"out": z},
        lambda z: Output(z + 1, z),
        lambda z: z.double(),
    ],
    ids=["tuple of one", "dict with logits", "dict of one", "namedtuple", "float64"],
)
def test_logits_are_taken_out_of_what_is_returned(pack: Any) -> None:
    """One tensor, or the one called logits, is what the bare network gives, to the last bit."""
    expected, found = attacked(plain()), attacked(Returns(pack))
    assert torch.equal(found.before.values, expected.before.values)
    assert torch.equal(found.images, expected.images)


def _scripted() -> Any:
    return torch.jit.script(plain())


@pytest.mark.parametrize(
    "make",
    [
        _scripted,
        lambda: torch.jit.freeze(_scripted()),
        lambda: torch.jit.trace(plain(), IMAGES),
        lambda: torch.export.export(
            plain(), (IMAGES,), dynamic_shapes=({0: torch.export.Dim.AUTO},)
        ).module(),
    ],
    ids=["script", "freeze", "trace", "export"],
)
def test_compiled_networks_are_taken_and_left_as_found(make: Any) -> None:
    """TorchScript and exported programs give the eager network's answers; learning stays on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript, people still hold it
        net = make()
        before = [weight.requires_grad for weight in net.parameters()]
        found = attacked(net)
    # Other kernels than the eager ones may round otherwise.
    torch.testing.assert_close(found.before.values, attacked(plain()).before.values)
    assert [weight.requires_grad for weight in net.parameters()] == before


def test_a_first_layer_in_place_works_with_a_gradient() -> None:
    """A network that changes its input answers as one that does not, and nothing outside moves."""
    flat = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    kept = IMAGES.clone()
    found = attacked(nn.Sequential(nn.ReLU(inplace=True), flat))
    assert torch.equal(found.images, attacked(flat).images)
    assert torch.equal(IMAGES, kept)


def _with_nan() -> nn.Module:
    net = plain()
    net[3].weight.data[0, 0] = torch.nan
    return net


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Returns(lambda z: (z, z)), r"Returns returned tuple .*answer\[0\]\)"),
        (lambda: Returns(lambda z: {"out": z, "f": z}), r"returned dict .*answer\['out'\]\)"),
        (lambda: Returns(lambda z: z.detach().numpy()), "returned ndarray.*a torch.Tensor"),
        (lambda: Returns(lambda _: None), "returned NoneType.*a torch.Tensor"),
        (lambda: Returns(lambda z: z.argmax(1)), "returned .*: expected logits"),
        (lambda: Returns(lambda z: z[:, :, None, None]), "returned .*flatten"),
        (lambda: Returns(lambda z: z.long()), "torch.int64: .*before argmax"),
        (lambda: plain().half(), r"weights are torch.float16: call net.float\(\)"),
        (lambda: plain().bfloat16(), r"weights are torch.bfloat16: call net.float\(\)"),
        (lambda: plain().double(), r"weights are torch.float64: call net.float\(\)"),
        (_with_nan, r"NaN or infinity \(3.weight\): load them again"),
        (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), "lazy layers"),
        (lambda: plain().to("meta"), "meta device"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(9, 4)), "cannot be multiplied.*resize"),
        (lambda: Returns(lambda z: z.detach()), "no gradient; take torch.no_grad"),
    ],
)
def test_what_cannot_be_used_names_the_network(make: Any, message: str) -> None:
    """The user's network is named, never a plugin's author, and the exit code is 2."""
    with pytest.raises(InputError, match=message) as caught:
        attacked(make())
    assert "author" not in str(caught.value)
    assert str(caught.value).startswith("network ")
    assert caught.value.exit_code == 2


def test_a_dynamically_quantised_network_is_named_with_its_layers() -> None:
    """Its scale comes from the whole batch, so its answers mix rows: said, with what to do."""
    from torch.ao.quantization import quantize_dynamic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates this module, people still use it
        net = quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)
        with pytest.raises(InputError, match=r"quantised layers \(3\).*before quantisation"):
            attacked(net, "square")


@pytest.mark.parametrize("flat", [False, True], ids=["[N, 1]", "[N]"])
def test_one_logit_is_refused_and_the_line_given_mends_it(flat: bool) -> None:
    """A binary network of one logit is no network of one class: with the line it is two.

    The right answer is the sign of the logit, from the weights by hand.
    """
    linear = nn.Linear(192, 1)
    net = nn.Sequential(nn.Flatten(), linear, *([nn.Flatten(0)] if flat else []))
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    attack = adversity.create("attack", "fgsm", norm="linf", eps="8/255")
    with pytest.raises(InputError, match=r"one value for each image.*sigmoid") as caught:
        attack(adversity.target(net), IMAGES, labels)
    line = re.search(r"write (net\..*flatten\(1\)\))", str(caught.value))
    assert line is not None
    exec(line[1], {"net": net, "torch": torch})  # noqa: S102  (the line of our own message)
    found = attack(adversity.target(net), IMAGES, labels)
    with torch.no_grad():
        score = IMAGES.flatten(1) @ linear.weight[0] + linear.bias
    assert found.start.tolist() == (score > 0).long().tolist()


@pytest.mark.parametrize(
    ("shapes", "must"),
    [(None, "must be 6,"), (({0: torch.export.Dim("n", min=2, max=8)},), "must be <= 8,")],
    ids=["fixed", "bounded"],
)
def test_a_fixed_batch_is_refused_and_the_line_given_exports_it_right(
    shapes: Any, must: str
) -> None:
    """A program of a fixed number of images is named for it; as exported by the line it works."""
    net = plain()
    program = torch.export.export(net, (IMAGES,), dynamic_shapes=shapes).module()
    with pytest.raises(InputError, match=rf"dynamic batch dimension.*{must}.*given 64") as caught:
        attacked(program)
    assert "Guard failed" not in str(caught.value)
    line = re.search(r"with (torch\.export\.export\(.*\.module\(\))", str(caught.value))
    assert line is not None
    again = eval(line[1], {"net": net, "torch": torch})
    torch.testing.assert_close(attacked(again).before.values, attacked(net).before.values)


def test_an_attack_is_not_blamed_for_what_its_victim_raises(make_ready: Any, plugins: Any) -> None:
    """A plugin that breaks only where a gradient is asked for is named, not the attack."""
    net = plugins["net"].plugin

    class Breaks(type(net)):  # type: ignore[misc]
        """Raise where the images require a gradient."""

        name = "breaks"

        def logits(self, images: Tensor) -> Tensor:
            if images.requires_grad:
                raise KeyError("tape")
            return super().logits(images)

    images = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    ready = make_ready(Breaks())
    labels = ready.plugin.logits(images).argmax(1)
    attack = adversity.create("attack", "fgsm", norm="linf", eps="8/255")
    with pytest.raises(adversity.errors.PluginError, match=r'^classifier "breaks".*KeyError'):
        attack(adversity.target(SimpleNamespace(ready=ready)), images, labels)

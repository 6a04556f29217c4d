"""What methods promise that ask a network several times: fed with images and a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.blocks import padded
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.calls.ready import BREAKS
from adversity.engine.chain.own_network import ready_network
from adversity.seeding import SampleRng
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.bench.networks import found_state
from adversity.testing.common.gradients import gradient_is_right
from adversity.testing.inputs.images import image_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from adversity.contracts import Model
    from adversity.engine.calls.ready import Ready

__all__ = ["SamplingBench"]

CLASSES = 4
ROWS = 6
"""Rows of the network's block: one more than the largest case has, so that each is padded."""
ROUNDED = 1e-6
"""By how much a probability in float32 may change where the order of a sum has: 2**-24 is 6e-8."""


class _Turned:
    """A model whose classes are written backwards."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, images: Tensor) -> Tensor:
        return self._model(images).flip(1)


class _Fails:
    """A model that answers once, and then fails."""

    def __init__(self, model: Model) -> None:
        self._model, self.networks = model, model.networks
        self._left = 1

    def __call__(self, images: Tensor) -> Tensor:
        if not self._left:
            raise _Meant
        self._left -= 1
        return self._model(images)


class _Counted:
    """A model that counts the rows it is asked for."""

    def __init__(self, model: Model) -> None:
        self._model, self.networks = model, model.networks
        self.rows = 0

    def __call__(self, images: Tensor) -> Tensor:
        self.rows += len(images)
        return self._model(images)


class _Meant(Exception):  # noqa: N818  (no error of ours: it shows whether what is open is closed)
    """What a model that fails raises."""


@check("The answer depends on the image.")
def images_matter(bench: SamplingBench) -> str:
    """Compare the answers to different images."""
    case = bench.answered[0]
    probs = bench.whole(case)["probs"]
    spread = float((probs - probs[:1]).abs().max())
    require(spread > 0, f"expected different answers for {case.name}, they are all the same")
    return f"answers differ by up to {spread:.3g}"


@check("The answers to one image differ: no member is there twice in all images.")
def members_differ(bench: SamplingBench) -> str:
    """Compare each member with the others, over all images of the first case."""
    members = bench.whole(bench.answered[0])["members"]
    count = members.shape[1]
    if count < 2:
        raise NotApplicable("it gives one member with these parameters")
    pairs = [(one, other) for one in range(count) for other in range(one)]
    least = min(apart(members[:, one], members[:, other]) for one, other in pairs)
    require(
        least > 0,
        f"expected {count} members that differ in some image, two of them are the same: draw anew "
        "for each, as with rng.child(number)",
    )
    return f"{count} members, which differ by {least:.3g} or more"


@check("The order in which the network's classes are written does not matter.")
def classes_of_the_network(bench: SamplingBench) -> str:
    """Let the network write its classes backwards: the answers' are written backwards, too."""
    worst = 0.0
    for case in bench.answered[:2]:
        answer = bench.answer(bench.ready, case)
        other = bench.asked(bench.ready, case, _Turned(bench.model(case)))
        worst = max(worst, *(apart(answer[name], other[name].flip(-1)) for name in answer))
    require(worst <= ROUNDED, f"expected the same probabilities, they change by up to {worst:.3g}")
    return f"changes by at most {worst:.1g}"


@check("The networks are as found when the method is over, also when a network fails.")
def networks_as_found(bench: SamplingBench) -> str:
    """Call the method itself, without the core, which puts back and refuses; then let it fail."""
    import torch

    case = bench.answered[0]
    network, model = bench.network(case), bench.model(case)
    plugin = bench.ready.plugin
    images = case.rows["images"]
    images = padded(images, model.rows(images))  # as the engine calls it
    ids = case.ids + case.ids[-1:] * (len(images) - len(case))
    before = found_state(network)
    for model_, when in ((model, "it is over"), (_Fails(model), "the network fails")):
        try:
            with torch.no_grad():
                plugin.estimate((model_,), images.clone(), bench.rng(case).fresh(ids))
        except _Meant:
            pass
        except BREAKS as error:
            require(
                isinstance(error.__cause__, _Meant),
                f"expected the network's own error to come through, got {type(error).__name__}",
            )
        now = found_state(network)
        changed = [name for name, value in before.items() if now[name] != value]
        require(
            not changed,
            f"expected the network as it was when {when}, its {', '.join(changed)} changed: put "
            "back in a `finally` what is changed",
        )
    return "as found, over and failed"


@check("It asks the network as often as it says, `asks_each`.")
def asks_as_it_says(bench: SamplingBench) -> str:
    """Count the rows that the network is asked for, of one block."""
    import torch

    expected = bench.ready.plugin.asks_each
    if expected is None:
        raise NotApplicable("it does not say how often it asks")
    case = bench.answered[0]
    model = _Counted(bench.model(case))
    images = padded(case.rows["images"][:1], ROWS)  # as the engine calls it
    with torch.no_grad():
        bench.ready.plugin.estimate((model,), images, bench.rng(case).fresh(case.ids[:1] * ROWS))
    asked = model.rows / ROWS
    require(
        asked == expected, f"expected {expected} answers for each image, it asked for {asked:g}"
    )
    return f"{expected} answers for each image"


class SamplingBench(Bench):
    """Feed a method with images, and a network with dropout and batch norm."""

    checks = (
        images_matter,
        members_differ,
        classes_of_the_network,
        networks_as_found,
        asks_as_it_says,
        gradient_is_right,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make no network yet."""
        super().__init__(*args, **kwargs)
        self._networks: dict[int, nn.Module] = {}

    def cases(self) -> Sequence[Case]:
        """Return images of several sizes, grey and colour, and flat ones."""
        return image_cases(self.make().takes_channels())

    def network(self, case: Case) -> nn.Module:
        """Return the network for images of a case; one for each number of channels."""
        return self._network_of(int(case.rows["images"].shape[1]))

    def _network_of(self, channels: int) -> nn.Module:
        if channels not in self._networks:
            self._networks[channels] = _network(channels)
        return self._networks[channels]

    def model(self, case: Case) -> ClassifierModel:
        """Return what the method is given."""
        return _model(self.network(case))

    def traced(self, images: Tensor) -> Tensor:
        """Return log p of the mean over the same draws each time, as an attack differentiates it."""
        rng = SampleRng(seed=0, step="kit", ids=list(map(str, range(len(images)))))
        model = _model(self._network_of(int(images.shape[1])))
        answer: Tensor = self.ready.call.answers((model,), images, rng)
        return answer

    def rng(self, case: Case, seed: int = 0) -> SampleRng:
        """Return the streams of a case's images."""
        return SampleRng(seed=seed, step="kit", ids=case.ids)

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Ask the network several times."""
        return self.asked(ready, case, self.model(case), seed)

    def asked(self, ready: Ready, case: Case, model: Any, seed: int = 0) -> Answer:
        """Ask a model; members have rows first."""
        said = ready.call((model,), case.rows["images"], self.rng(case, seed))
        return {"probs": said.probs, "members": said.members.transpose(0, 1)}


def _model(network: nn.Module) -> ClassifierModel:
    ready = ready_network(network)
    ready.plugin.block_rows = ROWS
    return ClassifierModel(ready.call)


def _network(channels: int) -> nn.Module:
    """Return a small network in evaluation mode, whose weights are the same everywhere."""
    import numpy as np
    import torch
    from torch import nn

    draw = np.random.Generator(np.random.Philox(key=channels))
    norm = nn.BatchNorm2d(6)
    network = nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2),
        norm,
        nn.ReLU(),
        nn.Dropout2d(0.2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(24, CLASSES),
    )
    with torch.no_grad():
        for name, value in network.named_parameters():
            drawn = draw.standard_normal(tuple(value.shape))
            value.copy_(torch.from_numpy(drawn * (0.5 if name.endswith("weight") else 0.1)))
        norm.running_mean = torch.from_numpy(draw.standard_normal(6) * 0.1).float()
    return network.eval()

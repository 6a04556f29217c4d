"""An answer that depends on the rows beside it is refused, and rounding is not accused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import adversity
from adversity import Classifier, Degradation, ImageMetric, PostHoc, Restoration, Score
from adversity.contracts import Predictive
from adversity.errors import InputError, PluginError
from adversity.seeding import SampleRng


def _batch_norm(**given: Any) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **given), nn.ReLU(), nn.Flatten(), nn.Linear(64, 4)
    )


class StaysInTraining(nn.BatchNorm2d):
    """Batch norm that ignores eval, as people freeze it the wrong way round."""

    def train(self, mode: bool = True) -> StaysInTraining:
        return super().train(mode=True)


class LargestOfAll(nn.Module):
    """Divide by the brightest value of the batch, before a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(108, 4))

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images / images.max())  # type: ignore[no-any-return]


def _answers(net: nn.Module, images: Tensor) -> Any:
    attack = adversity.create("attack", "random_noise", norm="linf", eps="8/255")
    return attack(adversity.target(net), images, torch.zeros(len(images), dtype=torch.int64))


def test_batch_norm_without_statistics_is_refused_in_words(images: Tensor) -> None:
    """The network, the layer and what fixes it are named; with running statistics it is taken."""
    with pytest.raises(
        InputError, match=r"network Sequential, sample .*\(1\) .*track_running"
    ) as e:
        _answers(_batch_norm(track_running_stats=False), images[:6])
    assert "author" not in str(e.value)
    assert len(_answers(_batch_norm(), images[:6]).start) == 6


def test_what_stays_in_training_is_refused(images: Tensor) -> None:
    """Batch norm that eval does not reach takes its statistics from the batch."""
    net = _batch_norm()
    net[1] = StaysInTraining(4)
    with pytest.raises(InputError, match=r"\(1\) stay in training mode"):
        _answers(net, images[:6])


def test_division_by_the_largest_of_all_is_refused(images: Tensor) -> None:
    """The row that holds the largest value notices nothing; the one that is looked at does."""
    scaled = images * torch.linspace(0.2, 1, len(images))[:, None, None, None]
    with pytest.raises(InputError, match="depends on the images beside it"):
        _answers(LargestOfAll(), scaled)


def test_rounding_and_draws_are_not_accused(images: Tensor) -> None:
    """Wide sums that nearly cancel, and a network with dropout left on, are no neighbours."""
    torch.manual_seed(0)
    wide = nn.Linear(108, 4)
    wide.weight.data *= 1e4
    wide.bias.data = -(wide.weight.data.sum(1) / 2)
    _answers(nn.Sequential(nn.Flatten(), wide), images)

    class Drops(nn.Module):
        """Dropout that eval does not switch off."""

        def forward(self, images: Tensor) -> Tensor:
            return nn.functional.dropout(images.flatten(1)[:, :4], 0.5, training=True)

    _answers(Drops(), images)


class Dims(Degradation):
    """Subtract the mean of the batch; the images alone are right."""

    name = "dims"
    block_rows = 4
    side: bool = False

    def degrade(self, images: Tensor, rng: Any) -> Any:
        if not self.side:
            return (images - images.mean()).clamp(0, 1)
        from adversity.contracts import Degraded

        return Degraded(images, {"level": images.mean().expand(len(images))})


class Stretches(Restoration):
    """Stretch the batch to [0, 1]."""

    name = "stretches"
    block_rows = 4

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        return (images - images.min()) / (images.max() - images.min())


class Centres(Classifier):
    """Centre the logits over the batch."""

    name = "centres"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def logits(self, images: Tensor) -> Tensor:
        values = images.flatten(1)[:, :4]
        return values - values.mean(0)


class CentresFeatures(Classifier):
    """Right logits, and features that are centred over the batch."""

    name = "centres_features"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def logits(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :4]

    def features(self, images: Tensor) -> Tensor:
        values = images.flatten(1)[:, :8]
        return values - values.mean(0)


class Shares(PostHoc):
    """A temperature that is the spread of the batch."""

    name = "shares"

    def calibrate(self, logits: Tensor) -> Tensor:
        return (logits / logits.std()).softmax(1)


class Ranks(Score):
    """The rank among all rows."""

    name = "ranks"

    def score(self, predictive: Predictive) -> Tensor:
        assert predictive.probs is not None
        return predictive.probs.amax(1).argsort().argsort().double()


class Relative(ImageMetric):
    """The error as a share of the largest in the batch."""

    name = "relative"
    produces = ("relative",)

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        error = (images - reference).abs().flatten(1).double().mean(1)
        return error / error.max()

    def convention(self) -> dict[str, object]:
        return {}


def _degrade(ready: Any, images: Tensor, ids: Any) -> Any:
    return ready.call.degraded(images, SampleRng(seed=0, step="s", ids=ids))


def _score(ready: Any, images: Tensor, ids: Any) -> Any:
    return ready.call(Predictive(images.flatten(1)[:, :4].double().softmax(1)), ids)


@pytest.mark.parametrize(
    ("plugin", "call"),
    [
        (Dims(), _degrade),
        (Dims(side=True), _degrade),
        (Stretches(), lambda ready, images, ids: ready.call.answer(images, {}, ids)),
        (Centres(), lambda ready, images, ids: ready.call.logits(images, ids)),
        (CentresFeatures(), lambda ready, images, ids: ready.call.features(images, ids)),
        (Shares(), lambda ready, images, ids: ready.call(images.flatten(1), ids)),
        (Ranks(), _score),
        (
            Relative(),
            lambda ready, images, ids: ready.call(images, 1 - images, ids),
        ),
    ],
    ids=[
        "degradation",
        "side",
        "restoration",
        "classifier",
        "features",
        "calibrator",
        "score",
        "metric",
    ],
)
def test_every_kind_is_looked_at(
    plugin: Any, call: Any, make_ready: Any, images: Tensor, ids: Any
) -> None:
    """A plugin that mixes rows is named with a sample; on one image there is nobody beside it."""
    scaled = images * torch.linspace(0.2, 1, len(images))[:, None, None, None]
    with pytest.raises(
        PluginError, match=rf'"{plugin.name}".*sample s\d\d: .*depends on what lies'
    ):
        call(make_ready(plugin), scaled, ids)
    call(make_ready(plugin), scaled[:1], ids[:1])


def test_it_is_asked_once(make_ready: Any, plugins: Any, images: Tensor, ids: Any) -> None:
    """One block more for each plugin and image size, whatever the number of images and calls."""
    net = plugins["net"].plugin
    asked: list[int] = []

    class Counts(type(net)):  # type: ignore[misc]
        """Count the blocks."""

        name = "counts"

        def logits(self, images: Tensor) -> Tensor:
            asked.append(len(images))
            return super().logits(images)

    ready = make_ready(Counts())
    ready.call.logits(images, ids)
    assert asked == [16] * 3  # 21 rows are two blocks
    ready.call.logits(images, ids)
    assert asked == [16] * 5

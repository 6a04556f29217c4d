"""What a classifier promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.contracts.nested import nested_in
from adversity.engine.calls.classifier_call import ClassifierCall
from adversity.engine.calls.networks import Found
from adversity.engine.public.in_memory import TensorRows, learnt
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable, apart, check, json_text, require
from adversity.testing.common.bounds import bounds_are_felt
from adversity.testing.common.gradients import gradient_is_right
from adversity.testing.common.row_by_row import ROUNDING
from adversity.testing.inputs.images import image_cases, most_tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import PluginBase
    from adversity.engine.calls.ready import Ready

__all__ = ["ClassifierBench", "bench_for"]

CLASSES = ("stripes_across", "stripes_down", "disc")
"""What a classifier that learns is fitted on."""
HEAD_ROUNDING = 1e-4
"""By how much an answer may change, as a share of the largest, where a last layer sums thousands of
float32 in another order, over features that are means in another order: 1e-6 to 1e-5 was seen."""


@check("The classes are named, each once, in the order of the logits.")
def classes_are_named(bench: ClassifierBench) -> str:
    """Compare the names with the width of the answer; WordNet ids are as many, if there are any."""
    plugin = bench.ready.plugin
    names = plugin.class_names
    require(
        isinstance(names, tuple) and all(isinstance(name, str) and name for name in names),
        f"expected class_names to be a tuple of words, got {str(names)[:80]}",
    )
    require(len(names) >= 2, f"expected two classes or more, got {len(names)}")
    require(len(set(names)) == len(names), "expected each class name once, some come twice")
    synsets = plugin.synsets
    require(
        synsets is None or len(synsets) == len(names),
        f"expected a WordNet id for each of {len(names)} classes, got {len(synsets or ())}",
    )
    if isinstance(plugin, Fitted) and plugin.fit_sources[0] != UNLABELLED:
        require(
            names == CLASSES,
            f"expected the class names of the data it was fitted on, {CLASSES}, got {names[:5]}",
        )
    return f"{len(names)} classes"


@check("The answer depends on the image.")
def images_matter(bench: ClassifierBench) -> str:
    """Compare the answers for different images."""
    case = bench.answered[0]
    answer = bench.whole(case)["logits"]
    spread = float((answer - answer[:1]).abs().max())
    require(spread > 0, f"expected different answers for {case.name}, they are all the same")
    return f"answers differ by up to {spread:.3g}"


@check("`gives` is true: logits are not probabilities in disguise.")
def gives_what_it_says(bench: ClassifierBench) -> str:
    """Look whether every row of what is called logits is a distribution.

    1e-4 is by how much sums of probabilities in float32 may be off.
    """
    gives = bench.cls.gives  # type: ignore[attr-defined]
    if gives != "logits":
        raise NotApplicable(f"it gives {gives}: `answers` looks at them")
    answer = bench.whole(bench.answered[0])["logits"].double()
    distribution = bool((answer >= 0).all()) and bool(((answer.sum(1) - 1).abs() < 1e-4).all())
    require(
        not distribution,
        "expected logits, got rows that are not negative and sum to 1; if they are "
        'probabilities, say `gives = "probs"`, so that nobody takes a softmax of them',
    )
    return "no row is a distribution"


@check("Features have a row for each image, and belong to it alone.")
def features_by_row(bench: ClassifierBench) -> str:
    """Ask for the features of each image among other neighbours: negatives of those it had."""
    images = bench.answered[0].rows["images"]
    features = bench.ready.call.features(images)
    if features is None:
        raise NotApplicable("the classifier has no features")
    worst = 0.0
    for row in range(len(images)):
        others = 1 - images
        others[row] = images[row]
        worst = max(worst, apart(features[row], bench.ready.call.features(others)[row]))
    limit = ROUNDING * max(1.0, float(features.abs().max()))
    require(
        worst <= limit,
        f"expected the same features of an image among other images, they differ by up to "
        f"{worst:.3g}: they must not hold anything of the batch",
    )
    return f"{features.shape[1]} features"


@check("The head leads from the features of an image to its answer.")
def head_leads_to_answers(bench: ClassifierBench) -> str:
    """Compare the head's answer to the features of images with the answer to the images."""
    import torch

    images = bench.answered[0].rows["images"]
    features, plugin = bench.ready.call.features(images), bench.ready.plugin
    if features is not None:
        with torch.no_grad():
            there = plugin.head(features[:1].to(bench.ready.device)) is not None
    if features is None or not there:
        raise NotApplicable("the classifier offers no head")
    answers = bench.whole(bench.answered[0])["logits"]
    worst = apart(bench.ready.call.head(features).detach(), answers)
    limit = HEAD_ROUNDING * max(1.0, float(answers.abs().max()))
    require(
        worst <= limit,
        f"expected the answer to the images, the head's answer to their features differs by up to "
        f"{worst:.3g}: return None where the network is no function of its features",
    )
    return f"{features.shape[1]} features, {worst:.1g} apart at most"


@check("Members have a row for each image, and belong to it alone; images matter to some.")
def members_by_row(bench: ClassifierBench) -> str:
    """Ask for what members say of each image among other neighbours; the call looks at the rows."""
    images = bench.answered[0].rows["images"]
    said = bench.ready.call.member_probs(images)
    if said is None:
        raise NotApplicable("the classifier has no members")
    worst = 0.0
    for row in range(len(images)):
        others = 1 - images
        others[row] = images[row]
        worst = max(worst, apart(said[:, row], bench.ready.call.member_probs(others)[:, row]))
    require(
        worst <= ROUNDING,
        f"expected members to say the same of an image among other images, they differ by up to "
        f"{worst:.3g}: they must not hold anything of the batch",
    )
    spread = float((said - said[:, :1]).abs().max())
    require(spread > 0, "expected members that look at the image, they say the same of all")
    return f"{len(said)} members"


@check("What is described for the report is JSON.")
def facts_are_json(bench: ClassifierBench) -> str:
    """Write it as JSON, which the report and the manifest do."""
    return json_text(bench.ready.plugin.describe(), "describe()")[:80]


@check("A classifier that is fitted learns: it beats guessing on shapes it has not seen.")
def learns(bench: ClassifierBench) -> str:
    """Fit on stripes and discs, and count on others; guessing is right in a third."""
    plugin = bench.ready.plugin
    if not isinstance(plugin, Fitted) or plugin.fit_sources[0] == UNLABELLED:
        raise NotApplicable("the classifier is not fitted on images with labels")
    answer = bench.answer(bench.ready, bench.as_fitted_on())["logits"]
    right = int((answer.argmax(1) == shapes(30, first=1000)[1]).sum())
    # Of 30 guesses at one in three, 17 or more are right in 1 % of all cases.
    require(right >= 17, f"expected 17 of 30 shapes or more, got {right}; guessing gives 10")
    return f"{right} of 30 shapes that it has not seen"


@check("Networks of the classifiers in its parameters are left as they are found.")
def networks_as_found(bench: ClassifierBench) -> str:
    """Let it learn, if it does, and answer; then compare weights, buffers, modes and hooks."""
    ready = bench.fresh()
    calls = [nested.ready() for nested in nested_in(ready.plugin)]
    inner = [call for call in calls if isinstance(call, ClassifierCall)]
    networks = [network for call in inner for network in call.networks()]
    if not networks:
        raise NotApplicable("no classifier with a network is in its parameters")
    found = Found(networks)
    if isinstance(ready.plugin, Fitted):
        learnt(ready, bench.sources(), 0)
    bench.answer(ready, bench.answered[0])
    changed = found.put_back()
    require(
        not changed,
        f"expected the networks as they were found, it left other {' and '.join(changed)}; put back "
        "what it changes, in a `finally`: other steps ask the same network",
    )
    return f"{len(networks)} of them"


def shapes(count: int, *, first: int = 0) -> tuple[Tensor, Tensor]:
    """Draw stripes across, stripes down and discs, in turn, at random places and contrasts.

    Args:
        count: How many.
        first: The number of the first; each number is another image.

    Returns:
        Images `[count, 3, 32, 32]` float32 in [0, 1] and labels `[count]` int64.
    """
    import numpy as np
    import torch

    y, x = np.mgrid[0:32, 0:32]
    drawn = []
    for number in range(first, first + count):
        draw = np.random.Generator(np.random.Philox(key=number))
        phase, contrast = draw.uniform(0, 6.28), draw.uniform(0.25, 0.4)
        centre = draw.uniform(12, 20, 2)
        disc = np.hypot(y - centre[0], x - centre[1]) < draw.uniform(5, 9)
        waves = (np.sin(0.9 * y + phase), np.sin(0.9 * x + phase), 2.0 * disc - 1)
        drawn.append(0.5 + contrast * waves[number % 3] + draw.normal(0, 0.03, (32, 32)))
    grey = torch.from_numpy(np.stack(drawn).clip(0, 1).astype(np.float32))[:, None]
    return grey.expand(-1, 3, -1, -1).contiguous(), torch.arange(first, first + count) % 3


class ClassifierBench(Bench):
    """Feed a classifier with images; fit it on shapes where it learns."""

    seeded = False
    checks = (
        classes_are_named,
        images_matter,
        gives_what_it_says,
        features_by_row,
        head_leads_to_answers,
        members_by_row,
        facts_are_json,
        learns,
        networks_as_found,
        gradient_is_right,
        bounds_are_felt,
    )

    def stream(self) -> TensorRows:
        """Return shapes of three classes."""
        images, labels = shapes(120)
        return TensorRows(labels, CLASSES, images=self._in_its_channels(images))

    def as_fitted_on(self) -> Case:
        """Return other shapes of the three classes."""
        images = self._in_its_channels(shapes(30, first=1000)[0])
        return Case("shapes", {"images": images}, tuple(map(str, range(len(images)))))

    def _in_its_channels(self, images: Tensor) -> Tensor:
        claimed = self.make().takes_channels()
        if claimed is None or images.shape[1] in claimed:
            return images
        return images[:, :1].expand(-1, most_tried(claimed), -1, -1).contiguous()

    def cases(self) -> Sequence[Case]:
        """Return images of several sizes, grey and colour, and flat ones."""
        return image_cases(self.make().takes_channels())

    def traced(self, images: Tensor) -> Tensor:
        """Classify as an attack differentiates it."""
        return self.ready.call.answers(images)  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Classify."""
        return {"logits": ready.call.logits(case.rows["images"], case.ids)}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return ClassifierBench

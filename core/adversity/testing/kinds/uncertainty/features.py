"""What detectors promise: fed with features, and with the logits that a linear layer makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.public.in_memory import TensorRows
from adversity.metrics import auroc
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable, apart, check, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["DetectorBench"]

CLASSES = 5
OF_A_CLASS = 4
"""How many features stand for each class."""
LEAST_AUROC = 0.95
"""Of rows that stand far from those of every class; by chance it is 0.5."""


def feature_rows(count: int, *, first: int = 0, known: bool = True) -> tuple[Tensor, Tensor]:
    """Draw features as a network's last ReLU gives them: those of the row's class are active.

    Args:
        count: How many rows.
        first: The number of the first; each number is another row.
        known: Whether the rows are of the classes; of others nothing is active, all is dim.

    Returns:
        Features `[count, 20]` float32, not negative, and classes `[count]` int64.
    """
    import numpy as np
    import torch

    rows = []
    for number in range(first, first + count):
        draw = np.random.Generator(np.random.Philox(key=number))
        row = draw.normal(1, 0.3, (CLASSES, OF_A_CLASS))
        row[number % CLASSES] += 4.0 * known
        rows.append(np.abs(row).ravel())
    numbers = torch.arange(first, first + count)
    return torch.from_numpy(np.stack(rows).astype(np.float32)), numbers % CLASSES


def last_layer(features: Tensor) -> Tensor:
    """Return logits `[N, 5]`: the mean of the features of each class, less a half."""
    return features.reshape(-1, CLASSES, OF_A_CLASS).mean(2) - 0.5


def feature_case(name: str, features: Tensor) -> Case:
    """Return a case of features, and the logits that belong to them."""
    rows = {"features": features, "logits": last_layer(features)}
    return Case(name, rows, tuple(f"kit/{k}" for k in range(len(features))))


@check("A row unlike all that was fitted on has a higher score.")
def strange_above_known(bench: DetectorBench) -> str:
    """Compare new rows of the classes with rows in which no class is active."""
    known, strange = (
        bench.scores(feature_rows(200, first=first, known=known)[0])
        for first, known in ((5000, True), (6000, False))
    )
    found = auroc(known.numpy(), strange.numpy()).value
    require(
        found > LEAST_AUROC,
        f"expected an AUROC above {LEAST_AUROC} of rows far from those of every class, got "
        f"{found:.3f}: a score is higher where the sample is less like what was fitted on",
    )
    return f"AUROC {found:.3f}"


@check("The score goes by the features, and not by the logits alone.")
def features_matter(bench: DetectorBench) -> str:
    """Give rows of the same logits other features: what logits say alone is a `Score`."""
    features, _ = feature_rows(12, first=700)
    shift = 0.5 * features.new_tensor([1, -1] * (OF_A_CLASS // 2)).repeat(CLASSES)
    logits = last_layer(features)
    ids = tuple(f"kit/{k}" for k in range(len(features)))
    cases = (
        Case("12 rows", {"features": given, "logits": logits}, ids)
        for given in (features, features + shift)
    )
    first, second = (bench.answer(bench.ready, case)["score"] for case in cases)
    change = apart(first, second)
    require(
        change > 0,
        "expected another score where the features are others, it is the same: what goes by "
        "logits alone is a Score",
    )
    return f"changes by up to {change:.3g}"


@check("What needs the head of the classifier goes by it.")
def head_matters(bench: DetectorBench) -> str:
    """Give a head that says something else of the same features."""
    if not bench.cls.needs_head:  # type: ignore[attr-defined]
        raise NotApplicable("it needs no head")
    case = feature_case("12 rows", feature_rows(12, first=800)[0])
    first = bench.answer(bench.ready, case)["score"]
    rows = case.rows["features"], case.rows["logits"], case.ids
    second = bench.ready.call(*rows, head=lambda features: last_layer(features).flip(1) / 2)
    change = apart(first, second)
    require(
        change > 0,
        "expected another score where the head says something else, it is the same: what goes "
        "without must not say that it needs it (needs_head)",
    )
    return f"changes by up to {change:.3g}"


class DetectorBench(Bench):
    """Feed a detector with features and logits."""

    seeded = False
    checks = (strange_above_known, features_matter, head_matters)

    def cases(self) -> Sequence[Case]:
        """Return rows of the classes, rows of none, and extremes: all alike, and very far."""
        import torch

        extremes = torch.tensor([[0.0], [1.0], [300.0]]).expand(-1, CLASSES * OF_A_CLASS)
        return (
            feature_case("7 rows of the classes", feature_rows(7)[0]),
            feature_case("5 strange rows", feature_rows(5, first=50, known=False)[0]),
            feature_case("3 extreme rows (nothing active, all alike, far away)", extremes.clone()),
        )

    def stream(self) -> TensorRows:
        """Return labelled rows of the classes."""
        features, labels = feature_rows(600, first=1000)
        logits = last_layer(features)
        return TensorRows(labels, tuple("abcde"), logits=logits, features=features)

    def scores(self, features: Tensor) -> Tensor:
        """Return the scores `[N]` of features."""
        return self.answer(self.ready, feature_case("rows", features))["score"]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Score."""
        rows = case.rows["features"], case.rows["logits"], case.ids
        return {"score": ready.call(*rows, head=last_layer)}

"""A data set whose samples have weights and groups, and plugins that write down what they see."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from adversity import Classifier, Dataset, Fitted, PostHoc, Sample, State

__all__ = ["TOYS", "Answered", "Sampled", "Seen"]


class Sampled(Dataset):
    """Noise in one of two classes, every third in the second; samples of one image size."""

    name: ClassVar[str] = "sampled"
    class_names: ClassVar[tuple[str, ...]] = ("a", "b")

    count: int = 24
    first: int = 0
    says: str = "weights"
    backwards: bool = False

    def open(self, root: Any) -> None:
        """Nothing to open."""

    def __len__(self) -> int:
        return self.count

    def item(self, i: int) -> Sample:
        number = self.first + (self.count - 1 - i if self.backwards else i)
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6), dtype=np.uint8)
        target = int(number % 3 == 0)
        group = f"scene {number // 4}" if self.says == "groups" else None
        return Sample(pixels, target, f"s{number:03d}", group=group, attributes=self._said(number))

    def _said(self, number: int) -> dict[str, Any]:
        if self.says == "weights":
            return {"worth": float(number % 4), "camera": "left"}
        if self.says in ("texts", "lacking"):  # as CSV files have them
            return {} if number == 5 and self.says == "lacking" else {"worth": f" {number % 4}.0"}
        wrong = {"nan": {7: float("nan")}, "below": {3: -1.0, 7: -2.0}, "nothing": {}}
        if self.says in wrong:
            return {"worth": wrong[self.says].get(number, 0.0 if self.says == "nothing" else 1.0)}
        return {}


class Seen(Fitted, Classifier):
    """Write down ids, classes and weights of what it is fitted on."""

    name: ClassVar[str] = "seen"
    takes_weights: ClassVar[bool] = True
    may_take: ClassVar[tuple[str, ...]] = ("validate",)
    seed: int = 0

    def fit(self, data: Any, rng: Any) -> State:
        """Go through the sources; the state says what was seen."""
        return State({"drawn": np.array([rng.random()])}, info(data, ["a", "b"]))

    def load(self, state: State) -> None:
        """Keep what was seen."""
        self.__dict__["seen_ids"] = state.info["train"]["ids"]

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2] * 4


class Answered(Fitted, PostHoc):
    """Write down ids, classes and weights of the answers that it is fitted on."""

    name: ClassVar[str] = "answered"
    fits_on: ClassVar[str] = "logits"
    takes_weights: ClassVar[bool] = True

    def fit(self, data: Any, rng: Any) -> State:
        """Go through the rows; the state says what was seen."""
        return State({"drawn": np.zeros(1)}, info(data, list(data.class_names)))

    def load(self, state: State) -> None:
        """Nothing to load."""

    def calibrate(self, logits: Any) -> Any:
        return logits.softmax(1)


def info(data: Any, names: list[str]) -> dict[str, Any]:
    """Return what a fit sees of each source, sample by sample."""
    record: dict[str, Any] = {"class_names": names}
    for name, source in data.sources.items():
        blocks = list(source)
        weighted = [block.weights for block in blocks]
        record[name] = {
            "n": len(source),
            "ids": [id_ for block in blocks for id_ in block.ids],
            "targets": [int(t) for block in blocks for t in block.targets],
            "weights": None
            if weighted[0] is None
            else [float(w) for weights in weighted for w in weights],
        }
    return record


TOYS = (Sampled, Seen, Answered)

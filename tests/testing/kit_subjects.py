"""Plugins, and a part of attacks, that several of these tests try the kit on."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field, PrivateAttr

from adversity import Attack, Classifier, Dataset, Degradation, Fitted, Norm, Sample, State
from adversity.errors import NotFittedError
from adversity_plugins.attack._shared.losses import gradient_of, loss_of
from adversity_plugins.attack._shared.norms import Ball

if TYPE_CHECKING:
    from pathlib import Path

    from adversity import SampleRng, Target


class Copy(Degradation):
    """Change nothing."""

    name: ClassVar[str] = "copy"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: Any, rng: Any) -> Any:
        return images.clone()


class Halved(Copy):
    """Claim a gradient and hand on half of it."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return (images + images.detach()) / 2


class Admits(Halved):
    """Hand on half of the gradient and say so."""

    expected_failures: ClassVar[Any] = {"gradient_is_right": "the other half is behind a wall"}


class Fixed(Copy):
    """Say that something fails which does not."""

    expected_failures: ClassVar[Any] = {"gradient_is_right": "it was broken once"}


class Fade(Degradation):
    """Take contrast away, smoothly: sound, and the parent of many twins."""

    name: ClassVar[str] = "fade"
    differentiable: ClassVar[bool] = True
    levels: ClassVar[Any] = {"amount": (0.1, 0.2, 0.3, 0.4, 0.5)}
    block_rows: ClassVar[int] = 16

    amount: float | None = Field(default=None, ge=0, le=1)

    def degrade(self, images: Any, rng: Any) -> Any:
        amount = self.level("amount")
        return images * (1 - amount) + 0.5 * amount

    def raised(self, images: Any, rng: Any) -> Any:
        """A hundredth brighter, still in range and differentiable."""
        return Fade.degrade(self, images, rng) * 0.99 + 0.01


class KeepsTheBest:
    """The part of an attack that keeps, for each image, what the victim likes least."""

    def best(
        self,
        target: Target,
        points: list[torch.Tensor],
        labels: torch.Tensor,
        *,
        targeted: bool = False,
    ) -> torch.Tensor:
        # The margin decides success, so that the highest is a success if any is.
        with torch.no_grad():
            losses = torch.stack(
                [
                    loss_of(target.logits(p), labels, loss="margin", targeted=targeted)
                    for p in points
                ]
            )
        return torch.stack(points)[self.choice(losses), torch.arange(len(labels))]

    def choice(self, losses: torch.Tensor) -> torch.Tensor:
        return losses.argmax(0)


class Search(KeepsTheBest, Attack):
    """Draw ten times and keep what the victim likes least."""

    name: ClassVar[str] = "search"

    norm: Norm = "linf"
    eps: Annotated[float, Field(gt=0)]

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        ball = Ball(images, self.norm, self.eps)
        signs = (2 * rng.child(k).bernoulli(0.5, images.shape[1:]) - 1 for k in range(10))
        points = [ball.project(images + self.eps * sign) for sign in signs]
        return self.best(target, points, labels)


class Climb(KeepsTheBest, Attack):
    """Climb the loss step by step; each sample keeps the best of its restarts."""

    name: ClassVar[str] = "climb"

    norm: Norm = "linf"
    eps: Annotated[float, Field(gt=0)]
    steps: Annotated[int, Field(ge=1)] = 4
    step_size: float | None = None
    random_start: bool = True
    restarts: Annotated[int, Field(ge=1)] = 1
    targeted: bool = False

    @property
    def size(self) -> float:
        return self.step_size or 2.5 * self.eps / self.steps

    @property
    def updates(self) -> int:
        return self.steps

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        ball = Ball(images, self.norm, self.eps)
        points = [self.climb(target, ball, labels, rng.child(k)) for k in range(self.restarts)]
        if len(points) == 1:
            return points[0]
        return self.best(target, points, labels, targeted=self.targeted)

    def climb(
        self, target: Target, ball: Ball, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        point = self.start(ball, rng) if self.random_start else ball.start
        for _ in range(self.updates):
            point = self.advance(ball, point, self.slope(target, point, labels))
        return point.clone()

    def start(self, ball: Ball, rng: SampleRng) -> torch.Tensor:
        return ball.random(rng)

    def slope(self, target: Target, point: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return gradient_of(target, point, labels, loss="ce", targeted=self.targeted)[1]

    def advance(self, ball: Ball, point: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        return ball.step(point, slope, self.size)


class Darkest(Fitted, Degradation):
    """Subtract half of the darkest value that was learnt."""

    name: ClassVar[str] = "darkest"
    differentiable: ClassVar[bool] = True
    _black: float | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: Any) -> State:
        darkest = min(float(block.images.min()) for block in data)
        return State({"black": np.array([darkest])}, {"divisors": {"2": 2}})

    def load(self, state: State) -> None:
        self._black = float(state.arrays["black"][0]) / state.info["divisors"]["2"]

    def degrade(self, images: Any, rng: Any) -> Any:
        if self._black is None:
            raise NotFittedError("darkest: fit it first")
        return (images - self._black).clamp(0, 1)


class Bands(Classifier):
    """Mean brightness of three horizontal bands, smoothly."""

    name: ClassVar[str] = "bands"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("top", "middle", "bottom")

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        rows = images.mean((1, 3))
        return torch.stack([part.mean(1) for part in rows.tensor_split(3, dim=1)], 1)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        bands = self.features(images)
        assert bands is not None
        return torch.sin(4 * bands)


def small_image(number: int) -> Any:
    """Draw a small image, another for each number."""
    return np.random.default_rng(number).integers(0, 256, (8, 8 + number % 3, 3), dtype=np.uint8)


class Boxes(Dataset):
    """Eight images in memory, without an index."""

    name: ClassVar[str] = "boxes"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("even", "odd")

    def __len__(self) -> int:
        return 8

    def item(self, index: int) -> Sample:
        if not 0 <= index < 8:
            raise IndexError(index)
        return Sample(small_image(index), index % 2, f"box-{index}", attributes={"number": index})


class Packaged(Dataset):
    """Four images that come inside a package."""

    name: ClassVar[str] = "packaged"
    packaged: ClassVar[bool] = True
    _folder: Any = PrivateAttr(default=None)

    def materialise(self, folder: Path) -> None:
        table = io.StringIO()
        writer = csv.DictWriter(table, ["id", "sha256", "label"], lineterminator="\n")
        writer.writeheader()
        for number in range(4):
            content = small_image(3 * number).tobytes()
            (folder / f"{number}.raw").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            writer.writerow({"id": f"{number}.raw", "sha256": digest, "label": "all"})
        (folder / "manifest.csv").write_text(table.getvalue())

    def open(self, root: Path) -> None:
        super().open(root)
        self._folder = root

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("all",)

    def __len__(self) -> int:
        return 4

    def item(self, index: int) -> Sample:
        content = (self._folder / f"{range(4)[index]}.raw").read_bytes()
        image = np.frombuffer(content, np.uint8).reshape(8, 8, 3)
        return Sample(image, 0, f"{index}.raw")


class FromFiles(Dataset):
    """Names of the files in a folder that must be given."""

    name: ClassVar[str] = "from_files"
    path: str = Field(description="the folder")
    _files: tuple[str, ...] = PrivateAttr(default=())

    def location(self) -> str:
        return self.path

    def open(self, root: Path) -> None:
        super().open(root)
        folder = root / self.path
        self._files = tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")))

    @property
    def class_names(self) -> tuple[str, ...]:
        return ()

    def __len__(self) -> int:
        return len(self._files)

    def item(self, index: int) -> Sample:
        return Sample(np.zeros((4, 4), np.float32), None, self._files[index])

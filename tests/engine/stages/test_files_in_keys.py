"""Files in parameters are part of what is stored: replaced, nothing is taken from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

import adversity
from adversity import Classifier, ImageMetric, ProjectFile, ProjectFolder
from adversity.contracts import KINDS
from adversity.registry import Entry, discover

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """\
name: kept
data:
  test: {uses: dataset/digits, with: {split: test, limit: 6}}
steps:
  net:   {uses: classifier/chooser, with: {GIVEN}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: 1}}
  clean: {uses: net, from: noisy}
metrics: [{uses: metric/filed, with: {level: level}}]
"""


class Chooser(Classifier):
    """Answer the class that a file, or the first file of a folder, names."""

    name: ClassVar[str] = "chooser"
    file: ProjectFile | None = None
    folder: ProjectFolder | None = None
    _answer: int = 0

    def setup(self, device: str) -> None:
        if self.file is not None:
            with open(self.file) as stream:  # noqa: PTH123  (as an author would)
                self._answer = int(stream.read())
        if self.folder is not None:
            self._answer = int((self.folder.path / self.folder.files()[0]).read_text())

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        answers = torch.full((len(images),), self._answer)
        return 9 * torch.nn.functional.one_hot(answers, 10).float()


class Filed(ImageMetric):
    """The number in a file, for every image."""

    name: ClassVar[str] = "filed"
    produces: ClassVar[tuple[str, ...]] = ("filed",)
    level: ProjectFile

    def measure(self, images: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        return torch.full((len(images),), float(self.level.path.read_text()), dtype=torch.float64)

    def convention(self) -> dict[str, Any]:
        return {}


class WithOwn:
    """The installed plugins, and those of this file."""

    kinds = KINDS

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        return discover().entries(kind)

    def get(self, kind: str, name: str) -> Entry:
        own = {cls.name: cls for cls in (Chooser, Filed)}
        if name not in own:
            return discover().get(kind, name)
        return Entry(own[name].kind, name, own[name], "tests", "1.0", 1)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the pipeline into one folder, from another working directory."""
    monkeypatch.setattr("adversity.registry.discover", WithOwn)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    root = tmp_path / "project"
    (root / "pipelines").mkdir(parents=True)
    (root / "level").write_text("1")

    def measured(given: str) -> dict[str, float]:
        (root / "pipelines/kept.yaml").write_text(PIPELINE.replace("GIVEN", given))
        done = adversity.run("pipelines/kept.yaml", into=tmp_path / "out", root=root)
        return {name: found.value for name, found in done.steps["clean"].measures[""].items()}

    measured.root = root  # type: ignore[attr-defined]
    return measured


@pytest.mark.parametrize("given", ["file: models/best", "folder: models"])
def test_replaced_weights_are_other_weights(run: Any, given: str) -> None:
    """A file without a dot in its name, and a folder: the numbers are those of the new content."""
    models = run.root / "models"
    models.mkdir()
    data = adversity.create("dataset", "digits", split="test", limit=6)
    labels = [data.item(index).target for index in range(6)]
    present, absent = labels[0], next(k for k in range(10) if k not in labels)
    for answer in (absent, present):
        (models / "best").write_text(str(answer))
        assert run(given)["accuracy"] == labels.count(answer) / 6


def test_a_metric_s_file_is_part_of_its_column(run: Any) -> None:
    """The column in the store was measured with the old file and is not taken."""
    (run.root / "net").write_text("0")
    assert run("file: net")["filed"] == 1
    (run.root / "level").write_text("3")
    assert run("file: net")["filed"] == 3

"""Files that a plugin's examples name: written by its class for the kit, and never a stranger's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from kit_subjects import Bands

from adversity import Dataset, ProjectFile, ProjectFolder, Sample
from adversity.testing import check_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    import torch


class Stored(Bands):
    """Reads how steep it is from a file, which it writes for the kit."""

    examples: ClassVar[tuple[dict[str, str], ...]] = ({"scale": "scale.txt"},)

    scale: ProjectFile

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        (folder / "scale.txt").write_text("2", encoding="utf-8")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits(images) * float(self.scale.path.read_text(encoding="utf-8"))


class Missing(Stored):
    """Forgets to write it."""

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write nothing."""


def test_the_kit_tries_a_plugin_beside_the_files_that_it_writes(
    failed: Callable[..., dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the class writes is there; what it forgets is named, or found in the current folder."""
    assert failed(Stored) == {}
    assert "scale.txt" in failed(Missing, only=("answers",))["answers"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scale.txt").write_text("1", encoding="utf-8")
    assert failed(Missing) == {}


def test_a_strangers_file_is_no_example(
    failed: Callable[..., dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examples are tried with what the class writes, a user's parameters with the user's file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scale.txt").write_text("no number", encoding="utf-8")
    assert failed(Stored, only=("answers",)) == {}
    own = check_plugin(Stored, parameters={"scale": "scale.txt"}, only=["answers"], raises=False)
    assert "no number" in own.failures[0].message


class Listed(Dataset):
    """Grey images of the levels that a file lists, which it writes for the kit."""

    name: ClassVar[str] = "listed"
    examples: ClassVar[tuple[dict[str, str], ...]] = ({"folder": "levels"},)

    folder: ProjectFolder

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        (folder / "levels").mkdir()
        (folder / "levels" / "all.txt").write_text("10 200", encoding="utf-8")

    def location(self) -> str:
        return self.folder.text

    def open(self, root: Path) -> None:
        super().open(root)
        self.folder.bind(root)

    @property
    def _levels(self) -> list[int]:
        return [int(level) for level in (self.folder.path / "all.txt").read_text().split()]

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("dark", "light")

    def __len__(self) -> int:
        return len(self._levels)

    def item(self, index: int) -> Sample:
        level = self._levels[range(len(self))[index]]
        return Sample(np.full((16, 16), level, np.uint8), int(level > 99), f"level-{level}")


def test_a_data_set_is_opened_beside_the_files_that_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies under that name in the current folder; what a user names is the user's."""
    assert check_plugin(Listed, only=["length"]).outcomes[0].message == "2 samples"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "levels").mkdir()
    (tmp_path / "levels" / "all.txt").write_text("1 2 3", encoding="utf-8")
    assert check_plugin(Listed, only=["length"]).outcomes[0].message == "2 samples"
    own = check_plugin(Listed, parameters={"folder": "levels"}, only=["length"])
    assert own.outcomes[0].message == "3 samples"


class Often(Stored):
    """Is said to draw random numbers, which it does with no parameters."""

    stochastic: ClassVar[bool] = True
    expected_failures: ClassVar[dict[str, str]] = {"answers": "it is slow to answer"}
    examples: ClassVar[tuple[dict[str, str], ...]] = ({"scale": "scale.txt"}, {"scale": "2.txt"})

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        for name in ("scale.txt", "2.txt"):
            (folder / name).write_text("2", encoding="utf-8")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        assert Path.cwd() not in self.scale.path.parents, "it is the stranger's"
        return super().logits(images)


def test_a_strangers_file_is_none_of_the_other_examples(
    failed: Callable[..., dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where a check looks at those, too: for what fails elsewhere, or draws by a parameter."""
    monkeypatch.chdir(tmp_path)
    for name in ("scale.txt", "2.txt"):
        (tmp_path / name).write_text("no number", encoding="utf-8")
    said = failed(Often, only=("answers", "stochastic_claim"))
    assert "got the same; if it draws no" in said["stochastic_claim"]
    assert "it passes, but `expected_failures` says" in said["answers"]

"""Where the kit lets a data set read and write: the user's folder, its own images, folders that go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit_subjects import FromFiles, Packaged

from adversity.testing import check_plugin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from adversity import Sample


class Split(Packaged):
    """Half of the images, or all."""

    half: bool = True

    def __len__(self) -> int:
        return 2 if self.half else 4

    def item(self, index: int) -> Sample:
        return super().item(range(len(self))[index])


def test_own_folder_is_read_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A location that is there in the current folder is read, not the kit's images."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "only.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    found = check_plugin(FromFiles, parameters={"path": "scans"}, only=["length"])
    assert found.outcomes[0].message == "1 samples"


def test_folder_of_others_is_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a location of the user's the kit's own images are tried, whatever lies here."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "only.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    assert check_plugin(FromFiles, only=["length"]).outcomes[0].message != "1 samples"


def test_packaged_data_set_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to be opened, and once more to compare; not for each check that looks at files."""
    written = []
    whole = Packaged.materialise

    def noted(self: Packaged, folder: Path) -> None:
        whole(self, folder)
        written.append(folder)

    monkeypatch.setattr(Packaged, "materialise", noted)
    assert check_plugin(Packaged).passed
    assert len(written) == 2


def test_part_of_a_manifest_may_be_selected() -> None:
    """With a parameter that selects, the manifest may list more than there is."""

    assert check_plugin(Split).passed


def test_temporary_folders_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is left behind in the folder for temporary files, where the images were."""
    import gc
    import tempfile

    opened: list[Path] = []

    class Noted(Packaged):
        """Note where it is opened."""

        def open(self, root: Path) -> None:
            super().open(root)
            opened.append(root)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    check_plugin(Noted, only=["materialises_the_same", "manifest", "length"])
    gc.collect()
    assert opened
    assert all(root.is_relative_to(tmp_path) for root in opened)
    assert list(tmp_path.iterdir()) == []

"""A folder that becomes a version of a data set: checked, tracked by DVC, with its card beside it."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.atomic import partial_beside, remove_leftovers, storage_error
from adversity.errors import DataError, InputError
from adversity.git import git_says
from adversity.pipeline.read.project_paths import place_sha256
from adversity.project import list_files
from adversity_flows.datasets.card import write_card
from adversity_flows.datasets.checks import check, common
from adversity_flows.datasets.listed import tracked_places
from adversity_flows.datasets.listings import folder_data, list_of
from adversity_flows.datasets.versions import image_folder, opened_in, packed
from adversity_flows.dvc.track import is_as_tracked, track
from adversity_flows.runs.sample_list import SampleList, list_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adversity.data.reading import Source
    from adversity_flows.datasets.checks import Checked, Common
    from adversity_flows.runs.sample_list import Reading

__all__ = ["Added", "Wanted", "add"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added, and as what.

    Attributes:
        folder: Where the images are.
        name: It will lie in `data/<name>`.
        version: What the version will be called; None leaves it without a name.
        labels: A CSV file in the folder with the labels; None: its sub-folders are classes.
        reading: How its files are read, where they are packed; None: as the list of the version
            that is there says, if it has one.
        look: Look for images that look alike.
        allow_corrupt: Add it though some of its images cannot be read.
    """

    folder: Path
    name: str
    version: str | None = None
    labels: str | None = None
    reading: Reading | None = None
    look: bool = True
    allow_corrupt: bool = False

    @property
    def place(self) -> str:
        """Where it will lie, relative to the project."""
        return f"data/{self.name}"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of it.

    Attributes:
        place: Where it lies, relative to the project.
        md5: DVC's hash of it.
        checked: What is in it, and what is wrong with it.
        others: What it shares with the other data sets of the project.
        is_new: Whether the bytes are others than DVC had before.
        files: What git should keep, relative to the project.
        absent: Splits of packed files that are not there or cannot be read, with the reason.
    """

    place: str
    md5: str
    checked: Checked
    others: tuple[Common, ...]
    is_new: bool
    files: tuple[str, ...]
    absent: dict[str, str] = field(default_factory=dict)


def add(root: Path, wanted: Wanted, done: Callable[[int, int], None] | None = None) -> Added:
    """Make a folder a version of a data set of the project.

    A folder that lies elsewhere is copied to `data/<name>`, in the place of the version that is
    there. What fails leaves everything as it was.

    Args:
        root: The project's folder.
        wanted: The folder.
        done: Told how many images were read, of how many.

    Raises:
        InputError: If the name or the version cannot be, or something else lies in its place.
        DataError: If images cannot be read, or it holds none.
        StorageError: If the disk does not take it.
    """
    folder = _source_folder(root, wanted)
    _refuse_version(root, wanted.version)
    here = folder == root / wanted.place
    reading = wanted.reading or (None if wanted.labels else _reading_before(root, wanted.place))
    source = _opened(folder, reading, wanted.labels)
    _refuse_corrupt(source, wanted)
    same = _is_same(root, folder, wanted.place)
    if not (same or here):
        _refuse_to_replace(root, wanted.place)
    checked = check(wanted.name, source, look=wanted.look, done=done)
    others = tuple(
        common(checked, check(place, other, look=wanted.look))
        for place, other in _others(root, wanted.place)
    )
    cards = [f"{wanted.place}.card{suffix}" for suffix in (".md", ".html")]
    lists = [list_place(wanted.place)] if reading is not None else []
    kept = (f"{wanted.place}.dvc", "data/.gitignore", *cards, *lists)
    with (
        _undone_by_an_error(root, kept),
        _in_place(root, wanted.place, None if here or same else folder),
    ):
        md5 = track(root, wanted.place)
        if reading is not None:
            _write_list(root, wanted.place, SampleList.of(source, reading, md5))
        if not same or wanted.version or not (root / cards[0]).is_file():
            _write_cards(root, wanted, checked, others)
    files = tuple(file for file in kept if (root / file).is_file())
    absent = dict(source.describe().get("absent") or {})
    return Added(wanted.place, md5, checked, others, not same, files, absent)


def _source_folder(root: Path, wanted: Wanted) -> Path:
    """Return the folder with its links followed, if it and its name can be."""
    if not _NAME.fullmatch(wanted.name):
        raise InputError(
            "expected a name of letters, digits, dots, - and _ that begins with a letter or digit, "
            f"got {wanted.name!r}; give one with --name"
        )
    if not wanted.folder.is_dir():
        raise InputError(f"expected a folder of images, got {wanted.folder}, which is none")
    folder, target = wanted.folder.resolve(), root / wanted.place
    if folder != target and (target.is_relative_to(folder) or folder.is_relative_to(target)):
        raise InputError(
            f"{wanted.folder}: expected a folder apart from {wanted.place}, got one inside the other; "
            "give another --name"
        )
    return folder


def _reading_before(root: Path, place: str) -> Reading | None:
    """Return how the version that is there is read; None if it has no list of its samples."""
    path = root / list_place(place)
    return SampleList.head(path)[0] if path.is_file() else None


def _opened(folder: Path, reading: Reading | None, labels: str | None) -> Source:
    if reading is not None:
        return opened_in(folder.parent, packed(folder.name, reading))
    try:
        return opened_in(folder.parent, image_folder(folder.name, labels))
    except DataError as error:
        raise DataError(
            f"{error}; if its files hold many images each, say by which data set they are read, such "
            "as --uses cifar10 (`adversity plugins --kind dataset` lists them)"
        ) from error


def _write_list(root: Path, place: str, samples: SampleList) -> None:
    """Write the list of the samples, unless it is there."""
    there = list_of(root, place, samples.md5) if (root / list_place(place)).is_file() else None
    if there is None or there.reading != samples.reading:
        samples.write(root / list_place(place))


def _refuse_version(root: Path, version: str | None) -> None:
    if version is None:
        return
    if git_says(root, "check-ref-format", f"refs/tags/{version}") is None:
        raise InputError(
            f"expected a version that can be a tag of git, such as v2, got {version!r}"
        )
    there = git_says(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{version}")
    if there:
        raise InputError(
            f"expected a new version, got {version}, which is a tag already (commit {there[:8]}); "
            "give another one with --as"
        )


def _refuse_corrupt(source: Source, wanted: Wanted) -> None:
    if source.quarantined and not wanted.allow_corrupt:
        count = len(source.quarantined)
        shown = "; ".join(f"{id_}: {why}" for id_, why in source.quarantined[:_SHOWN])
        raise DataError(
            f"{wanted.folder}: expected images that can be read, got {count} that cannot, such as "
            f"{shown}; mend or remove them, or add them with --allow-corrupt: pipelines leave them out"
        )


def _is_same(root: Path, folder: Path, place: str) -> bool:
    """Say whether the folder holds the bytes that DVC has in that place."""
    if not (root / place).is_dir() or not is_as_tracked(root, place):
        return False
    return folder == root / place or (
        place_sha256(folder.parent, folder.name) == place_sha256(root, place)
    )


def _refuse_to_replace(root: Path, place: str) -> None:
    """Refuse to put a folder where something lies that DVC could not bring back."""
    if (root / place).exists() and not is_as_tracked(root, place):
        raise InputError(
            f"{place}: expected nothing there, or a version that DVC has, got files that would be "
            f"lost; add them first with `adversity data add {place}`, put the tracked ones back with "
            f"`dvc checkout {place}.dvc`, or give another --name"
        )


def _others(root: Path, place: str) -> Iterator[tuple[str, Source]]:
    """Yield the other tracked folders of the project whose sub-folders are classes."""
    for other, _, _ in tracked_places(root):
        if other != place and (root / other).is_dir():
            with suppress(DataError):  # of another layout: what it is, is said where it is used
                yield other, opened_in(root, folder_data(root, root / other))


@contextmanager
def _in_place(root: Path, place: str, folder: Path | None) -> Iterator[None]:
    """Put a copy of a folder into its place; where what follows fails, the old one is put back."""
    if folder is None:
        yield
        return
    target = root / place
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target.parent, below=False)
    new, old = partial_beside(target), partial_beside(target)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, new, ignore_errors=True)
        _copy(folder, new)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
            yield
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _copy(folder: Path, to: Path) -> None:
    """Copy the files that DVC would see."""
    try:
        for name in list_files(folder.parent, folder.name).files:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, to / name)
    except OSError as error:
        raise storage_error(error, to) from error


@contextmanager
def _undone_by_an_error(root: Path, files: Sequence[str]) -> Iterator[None]:
    """Give files back what stood in them if what follows fails."""
    before = {root / file: _bytes_of(root / file) for file in files}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            with suppress(OSError):
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(content)
        raise


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write_cards(root: Path, wanted: Wanted, checked: Checked, others: tuple[Common, ...]) -> None:
    """Write the cards elsewhere on the same disk, then rename both."""
    with tempfile.TemporaryDirectory(dir=(root / wanted.place).parent, prefix=".card-") as folder:
        said = {"version": wanted.version, "place": wanted.place}
        for path in write_card(Path(folder), checked, others, **said):
            path.replace(root / f"{wanted.place}.card{path.suffix}")

"""ImageNet-P as it is published: folders of MP4 files by perturbation and WordNet id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, get_args

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from adversity import ProjectFolder
from adversity.contracts.values import IndexRow
from adversity.errors import DataError
from adversity_plugins.dataset._cifar import sha256
from adversity_plugins.dataset._corruptions import as_tuple, each_once
from adversity_plugins.dataset._labels import ignored_facts
from adversity_plugins.dataset._mapped import Mapped
from adversity_plugins.dataset._perturbations import PERTURBATIONS, Perturbation
from adversity_plugins.dataset._read_images.decode import Unreadable
from adversity_plugins.dataset._video_frames import (
    can_decode,
    frames_in,
    require_decoder,
    write_mp4,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["ImageNetP"]

Array = np.ndarray[Any, Any]
_SYNSET = re.compile(r"n\d{8}")
_NAMES = frozenset(get_args(Perturbation))
_REMEMBERED_BYTES = 64 * 2**20


class _Video(NamedTuple):
    """Where a video of the layout belongs."""

    perturbation: str
    synset: str
    name: str
    file: str

    @property
    def clean(self) -> str:
        """The image that it begins with."""
        return f"{self.synset}/{self.name}"


class ImageNetP(Mapped):
    """ImageNet-P or Tiny ImageNet-P from its published videos: images that change step by step.

    Videos lie as `PERTURBATION/WNID/NAME.mp4`, such as
    `tilt/n01440764/ILSVRC2012_val_00000293.mp4`, at whatever depth. Each is a sequence of frames,
    along which an image tilts; ids are `tilt/n01440764/ILSVRC2012_val_00000293/07`. The classes are
    the WordNet ids found, sorted, which is the order of ImageNet-1k. `group` is the clean image,
    `n01440764/ILSVRC2012_val_00000293`; the attributes are `perturbation` and `frame`.
    `flip_probability` measures how often the prediction changes from frame to frame.

    Frames are decoded by the FFmpeg that OpenCV brings, as the published test code does:
    `pip install "adversity[video]"`. Another FFmpeg may round colours otherwise; the hash of the
    data says so. `open` decodes each video once; one that is damaged, or lacks frames, is left out
    and listed. Every perturbation must hold the same images.

    Reference:
        Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
        perturbations", 2019; layout as in `ImageNet-P/test.py` and `video_loader.py` of
        hendrycks/robustness; files: doi 10.5281/zenodo.3565846 (ImageNet-P) and
        10.5281/zenodo.2536630 (Tiny ImageNet-P).
    """

    name: ClassVar[str] = "imagenet_p"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions "
        "and perturbations, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-p"},
        {"path": "imagenet-p", "perturbation": "tilt", "limit": 1},
    )

    path: ProjectFolder = Field(
        description="the folder with the perturbations, or one above it, relative to the project"
    )
    perturbation: Perturbation | tuple[Perturbation, ...] | None = Field(
        default=None,
        description="which perturbation, or a list of some; else those of the benchmark's 10 that "
        "are there",
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many clean images by name, whose order is random; all by "
        "default",
    )

    _places: tuple[tuple[str, int], ...] = PrivateAttr(default=())
    _decoded: dict[str, Array] = PrivateAttr(default_factory=dict)
    _last: tuple[str, Array | None] = PrivateAttr(default=("", None))
    _class_names: tuple[str, ...] = PrivateAttr(default=())
    _left_out: tuple[tuple[str, str], ...] = PrivateAttr(default=())
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("perturbation")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return each_once(value)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two perturbations of two images, of unequal lengths; nothing without OpenCV."""
        random = np.random.default_rng(0)
        for name, frames in (("digital/tilt", 4), ("noise/shot_noise", 3)):
            for synset, number in (("n01440764", 293), ("n01443537", 236)):
                place = folder / "imagenet-p" / name / synset
                place.mkdir(parents=True)
                pixels = random.integers(0, 256, (frames, 24, 24, 3), np.uint8)
                if can_decode():
                    write_mp4(place / f"ILSVRC2012_val_{number:08d}.mp4", list(pixels))

    def open(self, root: Path) -> None:
        """List, decode and hash the videos that are asked for.

        Raises:
            DataError: If OpenCV is not installed, the folder has another layout, something asked
                for is missing, or a perturbation lacks images that another has.
        """
        require_decoder(self.name)
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        there = list(_videos(self.path.text, listing.files))
        chosen = self._chosen(there)
        self._require_same_images(chosen)
        self._class_names = tuple(sorted({video.synset for video in chosen}))
        self._read(chosen)
        self._facts = {
            "path": self.path.text,
            "n": len(self._rows),
            "clean_images": len({row.group for row in self._rows}),
            "perturbations": sorted({video.perturbation for video in chosen}),
            "other_videos": len(there) - len(chosen),
            "quarantined": len(self._left_out),
            "source": "ImageNet-P (Hendrycks and Dietterich, 2019)",
            **(ignored_facts(listing.ignored) if listing.ignored else {}),
        }

    def _chosen(self, there: Sequence[_Video]) -> list[_Video]:
        """Return the videos that are asked for: by perturbation and name.

        Raises:
            DataError: If there are none, with what is there.
        """
        if not there:
            raise DataError(
                f"{self.path}: expected videos as PERTURBATION/WNID/NAME.mp4, such as "
                "tilt/n01440764/ILSVRC2012_val_00000293.mp4, found none; check `path`"
            )
        found = sorted({video.perturbation for video in there})
        wanted = PERTURBATIONS if self.perturbation is None else as_tuple(self.perturbation)
        missing = [name for name in wanted if name not in found]
        if len(missing) == len(wanted) or (missing and self.perturbation is not None):
            raise DataError(
                f"{self.path}: expected the perturbations {', '.join(missing)}, found "
                f"{', '.join(found)}; unpack what is missing, or name what is meant with "
                "`perturbation`"
            )
        some = [video for video in there if video.perturbation in wanted]
        names = sorted({(video.name, video.synset) for video in some})
        if self.limit is not None and self.limit > len(names):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(names)} images "
                f"of {self.path}; lower it or leave it out"
            )
        taken = frozenset(names[: self.limit])
        return sorted(video for video in some if (video.name, video.synset) in taken)

    def _require_same_images(self, chosen: Sequence[_Video]) -> None:
        """Refuse perturbations that hold other images than the rest, or one twice.

        Raises:
            DataError: With an image that is missing, or is there twice.
        """
        images: dict[str, set[str]] = {}
        for video in chosen:
            held = images.setdefault(video.perturbation, set())
            if video.clean in held:
                raise DataError(
                    f"{self.path}: {video.perturbation}/{video.clean} is there twice, as "
                    f"{video.file} the second time; keep one"
                )
            held.add(video.clean)
        every = set[str]().union(*images.values())
        for name, held in sorted(images.items()):
            if missing := sorted(every - held):
                raise DataError(
                    f"{self.path}: {name} lacks {len(missing)} of the {len(every)} images, such as "
                    f"{missing[0]}; unpack it again"
                )

    def _read(self, chosen: Sequence[_Video]) -> None:
        """Decode and hash every frame; small data sets stay decoded in memory.

        Raises:
            DataError: If no video can be decoded.
        """
        places, rows, lost, room = [], [], [], _REMEMBERED_BYTES
        index = {name: number for number, name in enumerate(self._class_names)}
        for video in chosen:
            id_ = f"{video.perturbation}/{video.clean}"
            try:
                frames = frames_in(self.path.path / video.file)
            except Unreadable as reason:
                lost.append((id_, str(reason)))
                continue
            room -= frames.nbytes
            if room >= 0:
                self._decoded[video.file] = frames
            for frame, values in enumerate(frames):
                places.append((video.file, frame))
                height, width, channels = values.shape
                rows.append(
                    IndexRow(
                        id=f"{id_}/{frame:02d}",
                        target=index[video.synset],
                        shape=(height, width, channels),
                        content=sha256(values),
                        group=video.clean,
                        attributes={"perturbation": video.perturbation, "frame": frame},
                    )
                )
        if not rows:
            raise DataError(
                f"{self.path} has no video that can be decoded; {len(lost)} were left out, such as "
                f"{': '.join(lost[0])}"
            )
        self._places, self._rows, self._left_out = tuple(places), tuple(rows), tuple(lost)

    def _values(self, index: int) -> tuple[Array, str]:
        file, frame = self._places[index]
        where = f"{self.path}/{file}"
        frames = self._decoded.get(file)
        if frames is None:
            known, frames = self._last  # frames are mostly asked for in order
            if known != file or frames is None:
                try:
                    frames = frames_in(self.path.path / file)
                except (Unreadable, OSError) as reason:
                    raise DataError(f"{where} changed during the run: {reason}") from reason
                self._last = file, frames
        if frame >= len(frames):
            raise DataError(f"{where} changed during the run; run again")
        return frames[frame], where

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Videos left out, each with the reason."""
        return self._left_out

    @property
    def class_names(self) -> tuple[str, ...]:
        """The WordNet ids of the videos, sorted."""
        return self._class_names

    def describe(self) -> dict[str, Any]:
        """Return what was taken, and where it comes from, for the report."""
        return self._facts


def _videos(folder: str, files: Sequence[str]) -> Iterator[_Video]:
    """Yield the videos that lie as the layout has them."""
    for file in files:
        path = PurePosixPath(folder, file)
        parts = path.parts[-3:]
        if path.suffix.lower() == ".mp4" and len(parts) == 3:
            perturbation, synset, _ = parts
            if perturbation in _NAMES and _SYNSET.fullmatch(synset):
                yield _Video(perturbation, synset, path.stem, file)

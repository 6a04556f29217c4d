"""ImageNet-Vid-Robust as it is published: frames of videos, and those around them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity_plugins.dataset._image_files import Found
from adversity_plugins.dataset._json_files import json_object
from adversity_plugins.dataset._layout import Layout
from adversity_plugins.dataset._video_classes import CLASSES, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ImageNetVidRobust"]

_SETS = "metadata/pmsets.json"
_LABELS = "metadata/labels.json"
_FRAME = re.compile(r"val/(?P<video>[^/]+)/(?P<frame>\d+)\.JPEG")


class ImageNetVidRobust(Layout):
    """ImageNet-Vid-Robust: 1 109 frames of videos of 30 classes, each with the 20 frames around it.

    `path` is the folder `imagenet-vid-robust` with `val/VIDEO/FRAME.JPEG`, `metadata/pmsets.json`,
    which says for each anchor which frames around it look like it, and `metadata/labels.json`. The
    video is the `group`; the attributes are `frame`, its number, `anchor`, 1 or 0, and `also`, what
    else a frame shows, names separated by semicolons. `metric/pm_k` reads all four.

    The 30 classes are coarser than ImageNet's: a dog is any of 118 breeds. So a network of the 1 000
    answers with `classes: data`, by the largest of the logits that count as each.

    Reference:
        Shankar, Dave, Roelofs, Ramanan, Recht and Schmidt, "Do image classifiers generalize across
        time?", 2019; layout as in modestyachts/imagenet-vid-robust-example, classes as in
        modestyachts/imagenet-testbed.
    """

    name: ClassVar[str] = "imagenet_vid_robust"
    masked_when_published: ClassVar[bool] = True
    reference: ClassVar[str] = "Shankar et al., Do image classifiers generalize across time?, 2019"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-vid-robust"},
        {"path": "imagenet-vid-robust", "limit": 1},
    )

    path: ProjectFolder = Field(
        description="the folder with val and metadata, relative to the project"
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many anchors by name, with the frames around them; all by "
        "default",
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two videos of three and two frames."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(0)
        place = folder / "imagenet-vid-robust"
        sets: dict[str, list[str]] = {}
        labels: dict[str, list[int]] = {}
        for video, frames, classes in (("a", (8, 9, 10), [9, 17]), ("b", (3, 4), [26])):
            names = [f"val/{video}/{frame:06d}.JPEG" for frame in frames]
            sets[names[1]] = [name for name in names if name != names[1]]
            for name in names:
                labels[name] = classes
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                pixels = random.integers(0, 256, (20, 24, 3), np.uint8)
                Image.fromarray(pixels).save(place / name)
        (place / "metadata").mkdir()
        for file, values in ((_SETS, sets), (_LABELS, labels)):
            (place / file).write_text(json.dumps(values), encoding="utf-8")

    def at_most(self, root: Path) -> int | None:
        """Return how many frames the anchors name; none is opened."""
        if not self._bound(root):
            return None
        try:
            sets, _ = self._metadata(self.path.files())
        except DataError:
            return None  # `open` says what is wrong
        return len({name for anchor, around in sets.items() for name in (anchor, *around)})

    def open(self, root: Path) -> None:
        """Read which frames belong together, decode and hash them.

        Raises:
            DataError: If a file is missing, or is not what was published under its name.
        """
        super().open(root)
        self.path.bind(root)
        listing = self.path.listing()
        sets, labels = self._metadata(listing.files)
        names = sorted({name for anchor, around in sets.items() for name in (anchor, *around)})
        there = frozenset(listing.files)
        found = [self._found(name, sets, labels, there) for name in names]
        rows = self._take(found, listing)
        self._facts = {
            "path": self.path.text,
            "n": len(rows),
            "anchors": len(sets),
            "videos": len({one.group for one in found}),
            "frames_of_several_classes": sum(bool(one.attributes["also"]) for one in found),
            "quarantined": len(self.quarantined),
            "source": "ImageNet-Vid-Robust (Shankar et al., 2019)",
            **self._facts,
        }

    def _metadata(self, files: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
        """Return the frames around each anchor, and the classes of each frame.

        Raises:
            DataError: If a file is missing, or holds something else.
        """
        sets: dict[str, list[str]] = json_object(
            self.path, _SETS, files, "lists of names", lambda value: _is_list(value, str)
        )
        labels: dict[str, list[int]] = json_object(
            self.path,
            _LABELS,
            files,
            f"lists of classes from 0 to {len(CLASSES) - 1}",
            lambda value: (
                _is_list(value, int)
                and bool(value)
                and 0 <= min(value) <= max(value) < len(CLASSES)
            ),
        )
        if self.limit is not None and self.limit > len(sets):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(sets)} anchors "
                f"of {self.path}; lower it or leave it out"
            )
        return {anchor: sets[anchor] for anchor in sorted(sets)[: self.limit]}, labels

    def _found(
        self,
        name: str,
        sets: Mapping[str, Any],
        labels: Mapping[str, list[int]],
        there: frozenset[str],
    ) -> Found:
        """Return a frame as a sample.

        Raises:
            DataError: If it is not there, has no label, or a name of another form.
        """
        match = _FRAME.fullmatch(name)
        if match is None or name not in there or name not in labels:
            fault = (
                "is not named val/VIDEO/FRAME.JPEG"
                if match is None
                else f"has no label in {_LABELS}"
                if name in there
                else "is not there"
            )
            raise DataError(
                f"{self.path}: expected the frame {PurePosixPath(name)} that {_SETS} names; it "
                f"{fault}; unpack the whole archive"
            )
        first, *others = labels[name]
        return Found(
            id=name,
            file=f"{self.path.text}/{name}",
            target=first,
            group=match["video"],
            attributes={
                "frame": int(match["frame"]),
                "anchor": int(name in sets),
                "also": ";".join(CLASSES[at] for at in others),
            },
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 30 classes, in the order of their numbers."""
        return CLASSES

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        """Which of ImageNet's 1 000 classes count as each, by WordNet id."""
        return MEMBERS


def _is_list(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(type(one) is kind for one in value)

"""The promise of a data set: labelled images with stable ids."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import IndexRow, Sample

__all__ = ["Dataset"]


class Dataset(PluginBase):
    '''Labelled images.

    The core calls `open(root)` before anything else. `root` is the project's folder, or,
    for a data set that comes inside a package (`packaged = True`), the folder that
    `materialise` filled, normally `data/<name>/`.

    Example::

        from typing import ClassVar
        import numpy as np
        from adversity import Dataset, Sample, hookimpl

        class Greys(Dataset):
            """Even images, dark ones and light ones in turn."""
            name: ClassVar[str] = "greys"
            count: int = 10

            @property
            def class_names(self):
                return ("dark", "light")

            def __len__(self):
                return self.count

            def item(self, index):
                if not 0 <= index < self.count:
                    raise IndexError(index)
                level = np.float32(0.25 + 0.5 * (index % 2))
                return Sample(np.full((8, 8), level), index % 2, f"grey-{index}")

        @hookimpl
        def adversity_datasets():
            return [Greys]
    '''

    describes: ClassVar[Kind] = Kind(
        name="dataset",
        hook="adversity_datasets",
        noun="a data set",
        role="data",
        makes="data",
        leaves="a data set",
        order=60,
        public="adversity.engine.public.create:opened",
        kit="adversity.testing.kinds.dataset",
    )
    packaged: ClassVar[bool] = False
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)
    masked_when_published: ClassVar[bool] = False
    """Published results let a network of more classes answer with those of the set alone; a step
    that does not (`classes: data`) says so in the report."""

    _root: Path | None = PrivateAttr(default=None)

    def location(self) -> str | None:
        """Return the file or folder the data lie in, relative to the project; DVC hashes it."""
        return None

    def materialise(self, folder: Path) -> None:
        """Write the package's data into an empty folder, with `manifest.csv` (id, sha256, label).

        Called once for all parameters: write everything, let parameters select when reading.
        The bytes written must not depend on anything but the package's version.
        """

    def packaged_content(self) -> str | None:
        """Return a hash of what `materialise` reads from its package, or None.

        It stands in the key of the stage that materialises the data, beside the plugin's
        distribution, version and source: another package with other images makes that
        stage stale. Asked for whenever a pipeline is planned, before `open` and for all
        parameters alike: read files, import nothing. None says that there is nothing to
        hash or that the package is not installed; then what was recorded stands.
        """
        return None

    def at_most(self, root: Path) -> int | None:
        """Return how many samples there are at most, by a look that reads no image; None: unknown.

        What `adversity validate` says before a run; `root` is that of `open`, which is not
        called before.
        """
        return None

    def open(self, root: Path) -> None:
        """Read the index (ids, labels), not the images.

        Raises:
            DataError: If something is missing, empty or wrong.
        """
        self._root = root

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index: names or WordNet ids; none where these are numbers."""

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        """Which classes of a network, names or WordNet ids, count as a class of the set.

        For classes that a network divides more finely, as a chair of the set is any of three
        chairs of ImageNet; none otherwise. Steps that answer for such a set need `classes: data`.
        """
        return {}

    @property
    def target_names(self) -> tuple[str, ...]:
        """What each of D numbers of a target is, such as `angle_deg`; none where it is a class.

        Every target is then a finite number, D of them, or None; and there are no classes.
        """
        return ()

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Samples left out, each with the reason; listed in the report."""
        return ()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of usable samples."""

    @abstractmethod
    def item(self, index: int) -> Sample:
        """Return sample `index` of `range(len(self))`."""

    def index(self) -> Sequence[IndexRow] | None:
        """Return what `open` learned of every sample, in order.

        None (the default) makes the core read every sample once before a run starts.
        """
        return None

    def describe(self) -> dict[str, Any]:
        """Return facts for the report (splits, source, licence), JSON values."""
        return {}

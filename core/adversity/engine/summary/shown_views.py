"""What views make of the images that a page shows, computed before and kept.

A piece is one sample behind one view. Its name is the SHA-256 of all that it depends on: version,
engine, hardware, seed, what the view is (`identity_of`), the sample's id, and what goes in, bytes
and all. A view after it has what comes out in its own name, so that a change reaches just as far as
it changes images. What an attack found is read from its artifact and not kept.
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

from adversity._version import __version__
from adversity.engine.stages.identity import identity_of
from adversity.engine.stages.stage import hardware
from adversity.engine.stages.step_images import behind, images_through, passed_by
from adversity.engine.summary.packed import pack, tensor_sha256, unpack
from adversity.kept_files import KeptFiles

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["FOLDER", "ShownViews"]

FOLDER = ".adversity/shown"
"""Where a project keeps them."""
_FORMAT = 1
"""Of what `pack` writes."""
_MOST = 400_000_000
"""Bytes that are kept: 660 images of 224 x 224 in colour, some five pages."""


class ShownViews:
    """Images through views, a sample at a time; safe for threads and processes."""

    def __init__(self, toolbox: Toolbox, folder: Path | None = None, *, most: int = _MOST) -> None:
        """Read nothing yet.

        Args:
            toolbox: Of the run whose page it is.
            folder: Where pieces are kept; None to compute each.
            most: Bytes that `tidy` leaves.
        """
        self.toolbox = toolbox
        self._files = None if folder is None else KeptFiles(folder, most=most)
        self._lock = threading.Lock()
        self._identities: dict[tuple[str, Cell], dict[str, Any]] = {}

    def through(self, step: str, cell: Cell, current: ImageBatch) -> ImageBatch:
        """Return `images_through` of one sample, which is not computed if it is kept.

        Args:
            step: A view or an attack.
            cell: At least its variables.
            current: One sample before it.

        Raises:
            StorageError: If a fitted state, or an attack's images, are missing or damaged.
        """
        toolbox = self.toolbox
        if self._files is None or toolbox.plan.steps[step].role == "attack":
            return images_through(toolbox, step, cell, current)
        name = self._name(step, cell, current)
        content = self._files.read(name)
        if content is not None:
            passed, worsens = unpack(content)
        else:
            passed, worsens = passed_by(toolbox, step, cell, current)
            self._files.write(name, pack(passed, worsens=worsens))
        return behind(current, step, passed, worsens=worsens)

    def tidy(self) -> None:
        """Remove what was not used for longest, until no more is kept than may be."""
        if self._files is not None:
            self._files.tidy()

    def _name(self, step: str, cell: Cell, current: ImageBatch) -> str:
        plan = self.toolbox.plan
        given = [("", current.images), *current.side.items()]
        record = {
            "format": _FORMAT,
            "adversity": __version__,
            "engine": plan.resolved["core"]["engine"]["fingerprint"],
            "hardware": hardware(plan.spec.run.device),
            "seed": plan.spec.seed,
            "identity": self._identity(step, cell),
            "ids": current.ids,
            # In their order: of two that fill one need, the later counts.
            "given": [[name, tensor_sha256(value)] for name, value in given],
        }
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _identity(self, step: str, cell: Cell) -> dict[str, Any]:
        """Return what a view is; files and fitted states are read once a page."""
        key = step, self.toolbox.plan.steps[step].own(cell)
        with self._lock:
            if key not in self._identities:
                self._identities[key] = identity_of(self.toolbox, step, cell)
            return self._identities[key]

"""What a run shows in the Prefect UI: measures, progress and the report, as Prefect artifacts.

Nothing rests on them. The first one that Prefect does not take ends the publishing, and the
run goes on.
"""

from __future__ import annotations

import logging
import re
import time
from threading import Lock
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from adversity_flows.prefect_flows.server import alive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adversity.contracts.values import Measure
    from adversity.engine.stages.stage import StageResult
    from adversity.pipeline.plan.model import Stage

__all__ = ["Publisher", "artifact_key", "step_markdown"]

PROGRESS_SECONDS = 1.0  # between two updates of a progress bar; each is a request
REPORT_CHARACTERS = 200_000  # Prefect keeps the text in its database
IMAGES = 12
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".svg"}

Answer = TypeVar("Answer")


def artifact_key(*parts: str) -> str:
    """Return a key that Prefect takes: lower-case letters, digits and dashes only.

    Example:
        >>> artifact_key("digits", "dark_predictions", "Progress")
        'digits-dark-predictions-progress'
    """
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def step_markdown(stage: Stage, result: StageResult) -> str:
    """Return a step's measures as a Markdown table, a line for each cell and measure.

    Args:
        stage: The step, for where its artifact lies.
        result: What it measured.
    """
    lines = [f"# {stage.step}", "", f"{result.rows} rows · artifact `{stage.out}`"]
    if stage.views:
        lines.append(f"\nThrough {', '.join(stage.views)}.")
    if any(result.measures.values()):
        lines += ["", "| cell | measure | value | interval | n |", "|---|---|---:|---:|---:|"]
    for cell, measures in result.measures.items():
        lines += [_row(cell, name, measure) for name, measure in measures.items()]
    lines += ["", *(f"- {_plain(note)}" for note in result.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _row(cell: str, name: str, measure: Measure) -> str:
    """Return one line of the table."""
    interval = ""
    if measure.low is not None and measure.high is not None:
        interval = f"{measure.low:.4g} to {measure.high:.4g} ({measure.level:.0%})"
    value = f"{measure.value:.4g} {measure.unit}".rstrip()
    return f"| {_plain(cell) or 'all'} | {_plain(name)} | {value} | {interval} | {measure.n} |"


def _plain(text: str) -> str:
    """Keep a text within its cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


class Publisher:
    """Publishes a run's artifacts until Prefect fails once.

    Attributes:
        broken: Prefect did not take one; nothing more is sent.
    """

    def __init__(self, pipeline: str, root: Path, url: str) -> None:
        """Remember whose artifacts these are.

        Args:
            pipeline: The pipeline's name, the first part of every key.
            root: The folder that artifact paths are relative to.
            url: The API that gets them.
        """
        self.broken = False
        self._url = url
        self._pipeline = pipeline
        self._root = root
        self._progress: UUID | None = None
        self._sent = 0.0
        self._words = ""
        self._share = 0.0
        self._lock = Lock()

    def start(self, stage: Stage) -> None:
        """Open a step's progress bar; belongs into the step's task."""
        from prefect.artifacts import create_progress_artifact

        key = artifact_key(self._pipeline, stage.step, "progress")
        words = self._words = f"Finished shards of {stage.step}"
        bar = self._attempt(lambda: create_progress_artifact(0.0, key=key, description=words))
        self._progress = bar if isinstance(bar, UUID) else None
        self._sent, self._share = time.monotonic(), 0.0

    def advance(self, share: float, words: str = "") -> None:
        """Move the progress bar, at most once in a second unless it is full; from any thread.

        Args:
            share: Finished part, 0 to 1.
            words: What a shard that takes long is at.
        """
        from prefect.artifacts import update_progress_artifact

        with self._lock:
            now = time.monotonic()
            if self._progress is None or (share < 1 and now - self._sent < PROGRESS_SECONDS):
                return
            self._sent, bar = now, self._progress
            self._share = max(share, self._share)  # another thread may have been faster
            said = f"{self._words}; {words}" if words else self._words
            self._attempt(lambda: update_progress_artifact(bar, 100 * self._share, said))

    def finish(self, stage: Stage, result: StageResult) -> None:
        """Publish a step's measures and, where its artifact holds them, report and images."""
        folder = self._root / stage.out
        self._markdown(step_markdown(stage, result), stage, "measures")
        report = folder / "report.md"
        if report.is_file():
            text = report.read_text(encoding="utf-8")
            if len(text) > REPORT_CHARACTERS:
                text = f"{text[:REPORT_CHARACTERS]}\n\n(cut here; whole in `{report}`)\n"
            self._markdown(f"{text}\n\nFiles: `{folder}`\n", stage, "text")
        for image in _images(folder):
            self._image(image, stage)

    def _markdown(self, text: str, stage: Stage, what: str) -> None:
        """Publish a text."""
        from prefect.artifacts import create_markdown_artifact

        key = artifact_key(self._pipeline, stage.step, what)
        self._attempt(lambda: create_markdown_artifact(text, key=key))

    def _image(self, path: Path, stage: Stage) -> None:
        """Publish where an image lies; Prefect stores the address, not the image."""
        from prefect.artifacts import create_image_artifact

        key = artifact_key(self._pipeline, stage.step, path.stem)
        self._attempt(lambda: create_image_artifact(path.as_uri(), key=key))

    def _attempt(self, call: Callable[[], Answer]) -> Answer | None:
        """Query Prefect, unless it failed before or is gone (it would be tried for 14 s)."""
        self.broken = self.broken or not alive(self._url)
        if self.broken:
            return None
        try:
            return call()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is not worth the run)
            self.broken = True
            logging.getLogger("prefect.adversity").warning("no more artifacts: %s", error)
            return None


def _images(folder: Path) -> list[Path]:
    """Return the first images of an artifact, in order."""
    if not folder.is_dir():
        return []
    images = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(images)[:IMAGES]

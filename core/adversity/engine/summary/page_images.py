"""All the images that a page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.summary.example_numbers import example_rows
from adversity.engine.summary.sheets import sheets
from adversity.engine.summary.shown_views import ShownViews

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.set_up.toolbox import Toolbox

__all__ = ["page_images"]


def page_images(toolbox: Toolbox, folder: Path | None = None) -> dict[str, Any]:
    """Return `rows`, `population` and `sheets` of a report.

    Args:
        toolbox: Of the finished run.
        folder: Where views of them lie and are kept; None to compute each.
    """
    views = ShownViews(toolbox, folder)
    rows, population = example_rows(views)
    shown = sheets(views)
    views.tidy()
    return {"rows": rows, "population": population, "sheets": shown}

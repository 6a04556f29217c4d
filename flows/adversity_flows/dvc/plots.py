"""The entries under `plots:` in `dvc.yaml`: what `dvc plots show` draws of a pipeline's report.

The page that it draws them on is ours as well: DVC's loads Vega from the network.

Which charts a report has is known only once it is made, so the entries follow the folder that it
left; where there is none (a fresh clone, in CI), the entries of the last run are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvc.repo import Repo

    from adversity.pipeline.plan.model import Plan

__all__ = ["PAGE", "is_report_plot", "keep_page", "plot_path", "plots_page", "report_plots"]

PAGE = "tmp/adversity-plots.html"
"""Where the page for `dvc plots` lies, under `.dvc`."""


def keep_page(repo: Repo) -> None:
    """Let `dvc plots` draw on our page, unless another one is configured.

    Ours is set for this clone alone, in `.dvc/config.local`, because it is made here and not in git.
    """
    page = Path(repo.dvc_dir) / PAGE
    configured = repo.config.get("plots", {}).get("html_template")
    if configured not in (None, PAGE) or (configured and page.is_file()):
        return
    page.parent.mkdir(exist_ok=True)
    page.write_text(plots_page(), encoding="utf-8")
    with repo.config.edit("local") as local:
        local.setdefault("plots", {})["html_template"] = PAGE


def report_plots(plan: Plan, known: Sequence[Any] = ()) -> list[Any]:
    """Return the entries of a pipeline.

    Args:
        plan: The pipeline.
        known: The entries that `dvc.yaml` has, of any pipeline.

    Returns:
        `{<chart>.csv: {template: <chart>.json}}` for each chart in the report's `plots` folder,
        without a template where there is none.
    """
    out = next((stage.out for stage in plan.stages if stage.step == "report"), None)
    folder = plan.root / out / "plots" if out else None
    if folder is None or not folder.is_dir():
        return [entry for entry in known if is_report_plot(entry, {plan.name})]
    entries: list[Any] = []
    for path in sorted(folder.glob("*.csv")):
        place = f"{out}/plots/{path.name}"
        template = path.with_suffix(".json")
        props = {"template": f"{out}/plots/{template.name}"} if template.is_file() else None
        entries.append({place: props} if props else place)
    return entries


def is_report_plot(entry: Any, pipelines: Collection[str] | None) -> bool:
    """Say whether an entry is one of ours, for these pipelines (None: for any)."""
    match plot_path(entry).split("/"):
        case ["artifacts", pipeline, "report", "plots", *_]:
            return pipelines is None or pipeline in pipelines
    return False


def plot_path(entry: Any) -> str:
    """Return the path under which an entry stands."""
    return str(next(iter(entry), "")) if isinstance(entry, Mapping) else str(entry)


def plots_page() -> str:
    """Return the page that `dvc plots` fills; it needs no network."""
    from adversity.report.writers.html import vega_embed

    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n{refresh_tag}\n<meta charset="utf-8">\n'
        f"<title>DVC plots</title>\n<script>{vega_embed()}</script>\n</head>\n"
        "<body>\n{plot_divs}\n</body>\n</html>\n"
    )

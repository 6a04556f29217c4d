"""The report as one self-contained page that opens offline, under a strict content policy.

Charts are drawn when the page is written (they work with scripts off, in print, in mail) and
become interactive in the browser through Vega-Embed, which runs Vega's expression interpreter
instead of compiling code: the policy allows no eval. It lies in the page compressed, is unpacked when
a chart is pointed at, and runs because the policy names its hash. Nothing is fetched.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple

from adversity.report.charts.chart_style import svg, with_data
from adversity.report.charts.drawings import UNKEPT
from adversity.report.charts.slim_svg import slim_svg
from adversity.report.doubts.judgement import verdict, what_was_tested
from adversity.report.sections.all_sections import contents
from adversity.report.sections.summary import caveat_texts, gate_table
from adversity.report.words.wording import plural
from adversity.report.writers.fitting import largest_that_fits
from adversity.report.writers.image_grid import amplification, grid
from adversity.report.writers.packed import packed
from adversity.report.writers.page_parts import asset, environment, policy
from adversity.report.writers.sheet_grid import at_a_glance, fitting_sheets
from adversity.user_cache import user_cache, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.report.charts.drawings import Drawings
    from adversity.report.values.blocks import Chart, Section
    from adversity.report.values.model import ImageRow, Report
    from adversity.report.writers.image_grid import GridRow

__all__ = ["BUDGET", "CAP", "vega_embed", "write_html"]

BUDGET = 2_400_000
"""Images are made smaller, then left out, until the page has at most this many bytes."""
CAP = 8_000_000
"""No page is larger; `budget` cannot be set above it."""
_BEGIN, _END = "(()=>{", "})();"
_SCRIPT_FORMAT = 1
"""Another number whenever what is made of vl-convert's bundle changes."""
_SIZES = (224, 192, 160, 128)


def write_html(
    report: Report,
    path: Path,
    *,
    budget: int = BUDGET,
    interactive: bool = True,
    drawings: Drawings = UNKEPT,
) -> int:
    """Write the page.

    Args:
        report: What to say.
        path: The file; its folder is made.
        budget: Size in bytes above which images are made smaller and then left out.
        interactive: Include the chart runtime (0.4 MB, compressed); without it charts stay as drawn.
        drawings: Where charts and display copies may lie, drawn before. The page is the same
            bytes with and without them.

    Returns:
        The number of bytes written.
    """
    data = _page(report, min(budget, CAP), drawings, interactive=interactive).encode(
        "utf-8", "replace"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def _page(report: Report, budget: int, drawings: Drawings, *, interactive: bool) -> str:
    """Render the page with as many and as large images as the budget allows."""
    context = _context(report, drawings, interactive=interactive)
    bare = len(_rendered(context).encode("utf-8", "replace"))
    sheets, lost = fitting_sheets(report, (budget - bare) // 2, drawings)
    context |= {"sheets": sheets, "sheets_lost": lost, "glance": at_a_glance(report, sheets)}
    if sheets:
        bare = len(_rendered(context).encode("utf-8", "replace"))
    rows, note = _fitting(report.rows, budget - bare, drawings)
    return _rendered({**context, "rows": rows, "shrunk": note})


def _fitting(
    rows: Sequence[ImageRow], room: int, drawings: Drawings
) -> tuple[tuple[GridRow, ...], str]:
    """Return the rows that fit and what had to be done for it."""
    small, size = largest_that_fits(
        _SIZES,
        room,
        lambda size: grid(rows, size=size, drawings=drawings),
        lambda made: sum(map(_weight, made)),
    )
    if sum(map(_weight, small)) <= room:
        smaller = f"Images are shown at {size} px to keep this page small."
        return small, "" if size == _SIZES[0] else smaller
    fitting: list[GridRow] = []
    for row in small:
        room -= _weight(row)
        if room < 0:
            break
        fitting.append(row)
    return tuple(fitting), (
        f"{plural(len(rows) - len(fitting), 'row')} of {len(rows)} left out, and images are shown "
        f"at {_SIZES[-1]} px, to keep this page small."
    )


def _weight(row: GridRow) -> int:
    """Return about how many bytes a row takes in the page: its images and the tags."""
    return 800 + sum(len(tile.source) + 900 for tile in row.tiles)


def _context(report: Report, drawings: Drawings, *, interactive: bool) -> dict[str, Any]:
    state, line = verdict(report)
    body = contents(report)
    drawn = _drawings(body.charts, drawings)
    strata = tuple(dict.fromkeys(row.stratum for row in report.rows))
    return {
        "report": report,
        "state": state if report.gates else "none",
        "line": line,
        "tested": what_was_tested(report),
        "story": body.story,
        "first": _sections(body.first, drawn),
        "gates": gate_table(report),
        "summary_charts": body.summary,
        "voids": caveat_texts(report, void=True),
        "warnings": tuple(
            text for text in caveat_texts(report, void=False) if text.level == "warning"
        ),
        "evidence": _sections(body.evidence, drawn),
        "background": _sections(body.background, drawn),
        "strata": strata,
        "factor": f"{amplification(report.rows):g}",
        "rows": (),
        "has_perturbations": any(row.perturbation is not None for row in report.rows),
        "shrunk": "",
        "sheets": (),
        "sheets_lost": "",
        "glance": (),
        "drawings": drawn,
        "style": asset("style.css"),
        "script": asset("script.js"),
        "runtime": packed(vega_embed()) if interactive and body.charts else "",
        "specs": packed(_specs(body.charts)) if interactive and body.charts else "",
    }


def _rendered(context: Mapping[str, Any]) -> str:
    runtime = vega_embed() if context["runtime"] else ""
    allowed = policy(context["style"], [context["script"], runtime])
    template = environment().get_template("report.html.j2")
    return template.render({**context, "policy": allowed})


class _Section(NamedTuple):
    """A section as the page has it, written once: how many images fit is tried around it."""

    id: str
    title: str
    html: str


def _sections(sections: Sequence[Section], drawings: Mapping[str, Any]) -> tuple[_Section, ...]:
    macros: Any = environment().get_template("section.html.j2").module
    return tuple(
        _Section(section.id, section.title, macros.render_section(section, drawings))
        for section in sections
    )


def _drawings(charts: Sequence[Chart], drawings: Drawings) -> dict[str, Any]:
    from markupsafe import Markup

    return {chart.id: Markup(slim_svg(svg(chart, drawings))) for chart in charts}


def _specs(charts: Sequence[Chart]) -> str:
    """Return the charts as JSON, by their ids."""
    return json.dumps({chart.id: with_data(chart) for chart in charts}, separators=(",", ":"))


@lru_cache(maxsize=1)
def vega_embed() -> str:
    """Return Vega-Embed with all it needs as one script, from the installed vl-convert.

    It takes a second of processor time to make and is kept for other runs.
    """
    # Without a home folder or metadata of vl-convert it is made each time.
    with suppress(OSError, ValueError, RuntimeError, PackageNotFoundError):
        text = _kept_script().read_text(encoding="utf-8")
        if text.startswith(_BEGIN) and text.endswith(_END):
            return text
    text = _BEGIN + _bundle().replace("</script", "<\\/script").replace("<!--", "<\\!--") + _END
    with suppress(OSError, RuntimeError, PackageNotFoundError):
        write_whole(_kept_script(), text)
    return text


def _kept_script() -> Path:
    return user_cache() / f"vega-embed-{_SCRIPT_FORMAT}-{version('vl-convert-python')}.js"


def _bundle() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return bundle

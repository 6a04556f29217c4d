"""The page: policy, escaping, structure, size, determinism, and reports with little in them."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from adversity.report import write_html
from adversity.report.values.model import CellResult, ImageRow, Report, StepSummary

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in ("script", "style"):
            self.raw.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            tag, text = self.raw[-1]
            self.raw[-1] = (tag, text + data)
        else:
            self.words.append(data)

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def written(report: Report, path: Path, **options: object) -> str:
    size = write_html(report, path, **{"interactive": False, **options})  # type: ignore[arg-type]
    assert path.stat().st_size == size
    return path.read_text(encoding="utf-8")


def test_policy_allows_exactly_the_blocks_of_the_page(page: str) -> None:
    """Every script and style block has its SHA-256 in the policy, and there is no eval."""
    parsed = Page(page)
    policy = next(
        item["content"]
        for item in parsed.every("meta")
        if item.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    digests = {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in parsed.raw
    }
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == digests
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy


def test_page_asks_for_nothing(page: str) -> None:
    """No element refers outside, and no attribute carries script or style."""
    for tag, attributes in Page(page).elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/webp;base64,", "#")), tag


def test_hostile_text_stays_text(hostile_report: Report, tmp_path: Path) -> None:
    """Hostile names add no element, end no script and hide no letter."""
    text = written(hostile_report, tmp_path / "r.html")
    parsed = Page(text)
    assert not any("onerror" in attributes for _, attributes in parsed.elements)
    assert all((item.get("src") or "data:").startswith("data:") for item in parsed.every("img"))
    assert len(parsed.raw) == 2, "one style and one script"
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
    assert "alert(2)" in html.unescape("".join(parsed.words)), "and it is shown"


def test_what_charts_need_is_packed_and_named_in_the_policy(
    hostile_report: Report, tmp_path: Path
) -> None:
    """Unpacked it is the runtime whose hash is allowed, and the data of each chart."""
    import json
    import zlib

    from adversity.report.sections.all_sections import contents
    from adversity.report.writers.html import vega_embed

    page = written(hostile_report, tmp_path / "report.html", interactive=True)
    found = re.findall(r'<script type="text/plain" id="(\w+)">([A-Za-z0-9+/=]+)</script>', page)
    unpacked = {name: zlib.decompress(base64.b64decode(text)) for name, text in found}
    assert unpacked["runtime"].decode() == vega_embed()
    digest = base64.b64encode(hashlib.sha256(unpacked["runtime"]).digest()).decode()
    assert f"'sha256-{digest}'" in html.unescape(page)
    assert set(json.loads(unpacked["specs"])) == {c.id for c in contents(hostile_report).charts}
    assert sum(map(len, unpacked.values())) > 2 * sum(len(text) for _, text in found)


def test_same_report_same_bytes(full_report: Report, page: str, tmp_path: Path) -> None:
    """Writing twice gives the same bytes."""
    assert written(full_report, tmp_path / "again.html") == page


def test_structure_is_accessible(page: str) -> None:
    """One h1, scoped heads, named images and charts, unique ids, a language, landmarks."""
    parsed = Page(page)
    assert len(parsed.every("h1")) == 1
    assert all(head.get("scope") in ("row", "col") for head in parsed.every("th"))
    tiles = [item for item in parsed.every("img") if "loading" in item]
    assert len(tiles) == 20
    assert all(item["alt"] and item["width"] and item["height"] for item in tiles)
    charts = [item for item in parsed.every("div") if item.get("role") == "img"]
    assert len(charts) == 18
    assert all(len(item["aria-label"] or "") > 20 for item in charts)
    ids = [item["id"] for _, item in parsed.elements if item.get("id")]
    assert len(ids) == len(set(ids))
    assert parsed.every("html")[0]["lang"] == "en"
    assert all(parsed.every(tag) for tag in ("main", "header", "nav", "footer"))


def test_every_measure_is_shown_with_interval_and_n(full_report: Report, page: str) -> None:
    """In each row that shows a value, interval and n stand beside it."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.split('id="t-headline"')[1], re.DOTALL)[1:]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows[:40]]
    shown = [row for row in cells if len(row) == 7]
    assert len(shown) == 40
    for row in shown:
        assert re.fullmatch(r"\[-?[\d.e-]+, -?[\d.e-]+\]", row[4])
        assert int(row[5].replace(",", "")) in (688, 800, 1797)


def test_alt_text_states_the_finding(page: str) -> None:
    """An adversarial image's text says budget, prediction, truth and what happened."""
    alts = [item["alt"] for item in Page(page).every("img")]
    assert "adversarial linf 8/255 (attacked): predicted wig 0.77, is astronaut, flipped" in alts


def test_attack_section_says_the_threat_model(page: str) -> None:
    """Norm, budgets, steps, restarts, knowledge and gradient path are written out."""
    words = html.unescape(page.split('id="attacks"')[1].split("</section>")[0])
    for part in ("L∞", "1/255, 2/255, 4/255, 8/255", "steps: 20", "restarts: 2", "White-box"):
        assert part in words
    for part in ("Grey-box", "no gate may rest", "not used", "exact", "It is the control"):
        assert part in words


def test_bare_report_leaves_out_what_is_not_there(bare_report: Report, tmp_path: Path) -> None:
    """Without gates, attack, images and provenance there is no such section."""
    text = written(bare_report, tmp_path / "bare.html")
    present = re.findall(r'<(?:section|details) id="([a-z]+)"', text)
    assert present == ["gates", "headline", "accuracy", "data", "method", "raw"]
    assert "<dialog" not in text


def test_plugins_in_parameters_have_rows_of_their_own(full_report: Report, tmp_path: Path) -> None:
    """Version and licence of a nested plugin stand in the table as those of the outer do."""
    inner = {
        "uses": "degradation/rain",
        "distribution": "acme",
        "version": "7.5",
        "licence": "0BSD",
    }
    outer = full_report.steps[0]
    step = replace(outer, plugin={**outer.plugin, "nested": [inner]})
    text = written(replace(full_report, steps=(step, *full_report.steps[1:])), tmp_path / "n.html")
    row = text.partition(f"degradation/rain in {outer.uses}")[2].partition("</tr>")[0]
    assert [word for word in ("acme", "7.5", "0BSD") if word not in row] == []


def test_a_run_without_a_commit_says_so(full_report: Report, tmp_path: Path) -> None:
    """A table that only lacked the row would look as if git had never been asked."""
    run = full_report.provenance
    assert run is not None
    texts = [
        written(replace(full_report, provenance=replace(run, git=git)), tmp_path / "git.html")
        for git in (run.git, {})
    ]
    assert ["0123abcd" in text for text in texts] == [True, False]
    assert ["no commit found" in text for text in texts] == [False, True]


@pytest.mark.parametrize("kept", ["steps", "data", "neither"])
def test_empty_reports_are_written(bare_report: Report, tmp_path: Path, kept: str) -> None:
    """A report with no step or no data is still a page."""
    empty = replace(
        bare_report,
        steps=bare_report.steps if kept == "steps" else (),
        data=bare_report.data if kept == "data" else (),
    )
    assert "<h1>" in written(empty, tmp_path / "empty.html")


def test_matrix_without_numbers_is_drawn_in_rows(bare_report: Report, tmp_path: Path) -> None:
    """A matrix of words gives a row for each cell instead of a curve."""
    step = bare_report.steps[0]
    measures = step.cells[0].measures
    cells = tuple(CellResult({"lens": name}, 3, measures) for name in ("wide", "tele"))
    report = replace(
        bare_report,
        matrix={"lens": ("wide", "tele")},
        steps=(replace(step, cells=cells),),
    )
    text = written(report, tmp_path / "rows.html")
    assert "lens = wide" in text
    assert 'data-chart="accuracy"' in text


def test_one_class_and_a_step_that_failed(bare_report: Report, tmp_path: Path) -> None:
    """Steps without cells and paths do not break the page."""
    steps = (*bare_report.steps, StepSummary("lost", "attack/pgd", "attack", "adversarial"))
    text = written(replace(bare_report, steps=steps), tmp_path / "lost.html")
    assert 'id="attacks"' not in text


def _many(report: Report, count: int) -> Report:
    rows = tuple(
        replace(row, id=f"{row.id}-{index}") for index in range(count) for row in report.rows[:1]
    )
    return replace(report, rows=rows)


def test_images_give_way_to_the_budget(full_report: Report, tmp_path: Path) -> None:
    """Over budget, images shrink and then rows go, and the page says so."""
    report = _many(full_report, 12)
    text = written(report, tmp_path / "small.html", budget=700_000)
    assert len(text.encode()) <= 700_000
    shown = text.count('<article class="sample')
    assert 0 < shown < 12
    assert f"{12 - shown} rows of 12 left out" in text


@pytest.mark.slow
def test_two_dozen_rows_fit_the_default(full_report: Report, tmp_path: Path) -> None:
    """24 rows stay within 2.4 MB, with the chart runtime's 0.4 MB to come."""
    text = written(_many(full_report, 24), tmp_path / "r.html", budget=2_000_000)
    assert len(text.encode()) <= 2_000_000
    assert text.count('<article class="sample') == 24


def test_rows_of_one_stratum_need_no_filter(full_report: Report, tmp_path: Path) -> None:
    """Filter chips appear only where there is something to choose."""
    rows: tuple[ImageRow, ...] = full_report.rows[:1]
    assert "fieldset" not in written(replace(full_report, rows=rows), tmp_path / "r.html")


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [":root {", ':root[data-theme="dark"] {'])
def test_colours_have_contrast(page: str, theme: str) -> None:
    """Text has 4.5:1 and series have 3:1 on the page's ground, in both themes (WCAG 2.2)."""
    block = page.split(theme)[1].split("}")[0]
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
    for name in ("fg", "muted", "link", "pass", "fail", "undecided", "error", "skip"):
        assert _contrast(colours[name], colours["bg"]) >= 4.5, name
        assert _contrast(colours[name], colours["card"]) >= 4.5, name
    for index in range(1, 7):
        assert _contrast(colours[f"series-{index}"], colours["bg"]) >= 3.0, index


def test_style_sheet_maps_every_chart_colour(page: str) -> None:
    """Each colour that a drawing uses has a rule in the style sheet, so that themes reach it."""
    style = page.split("<style>")[1].split("</style>")[0].lower()
    drawn = set(re.findall(r'(fill|stroke)="(#[0-9A-Fa-f]{3,6})"', page.split("</style>")[1]))
    assert drawn
    for attribute, colour in drawn:
        assert f'[{attribute}="{colour.lower()}" i]' in style, (attribute, colour)

"""Can the page be read by everyone: headings, wide tables, contrast, keyboard, paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from test_report_browser import BROWSER, chromium
from test_report_html import Page

from adversity.report import Section, Table, write_html
from adversity.report.sections import register
from adversity.report.sections.all_sections import contents

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report

CAPTION = "Twelve figures of each method. " + "How to read them takes a line that is long. " * 8
WIDE = Table(
    "wide",
    CAPTION,
    ("method", *(f"condition {at}" for at in range(12))),
    tuple((name, *("0.912 ± 0.004 ★",) * 12) for name in ("none", "median", "non local means")),
    numeric=frozenset(f"condition {at}" for at in range(12)),
    sortable=True,
)
NARROW = Table("narrow", "Two figures.", ("what", "value"), (("a", "1"), ("b", "2")))
PROBE = """<!doctype html><meta charset="utf-8"><iframe src="report.html" width="$width"
height="900"></iframe><pre id="found">waiting</pre><script>
const frame = document.querySelector("iframe");
const settled = () => new Promise((done) => setTimeout(done, 200));
frame.addEventListener("load", async () => {
  const page = frame.contentDocument, look = frame.contentWindow;
  await settled();
  document.getElementById("found").textContent = JSON.stringify(await ask(page, look));
});
$ask
</script>"""
ASK_TABLES = """
const ask = async (page, look) => {
  const told = {};
  for (const name of ["wide", "narrow"]) {
    const table = page.getElementById(`t-${name}`), region = table.closest(".scroll");
    region.scrollLeft = 150;
    await settled();
    const [place, caption, first] = [region, table.querySelector("caption span"),
      table.querySelector("tbody th")].map((item) => item.getBoundingClientRect());
    told[name] = {
      scrolls: region.scrollWidth > region.clientWidth + 1, moved: region.scrollLeft > 0,
      stop: region.tabIndex, role: region.getAttribute("role"),
      label: region.getAttribute("aria-label"),
      caption: caption.left >= place.left - 1 && caption.right <= place.right + 1,
      first: Math.abs(first.left - place.left) < 1,
    };
  }
  told.page = page.documentElement.scrollWidth <= look.innerWidth;
  return told;
};"""
ASK_DIALOG = """
const ask = async (page, look) => {
  const dialog = page.querySelector("dialog"), opener = page.querySelector(".ground button");
  const told = {};
  for (const way of ["button", "escape"]) {
    opener.focus();
    opener.click();
    const inside = dialog.open && dialog.contains(page.activeElement);
    if (way === "button") dialog.querySelector("form button").click();
    else dialog.requestClose();  // what Escape does; a real key cannot be pressed by a script
    await settled();
    told[way] = inside && !dialog.open && page.activeElement === opener;
  }
  const stops = Array.from(page.querySelectorAll("a[href], button, summary, input, [tabindex]"));
  told.order = stops.every((item) => item.tabIndex <= 0);
  const named = (item) => item.textContent.trim() || item.getAttribute("aria-label")
    || (item.labels && item.labels.length);
  told.nameless = stops.filter((item) => !named(item)).map((item) => item.outerHTML.slice(0, 80));
  return told;
};"""
ASK_CONTRAST = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (rgb) => rgb.map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
const ask = async (page, look) => {
  page.querySelectorAll("details").forEach((item) => { item.open = true; });
  const told = {};
  for (const theme of ["light", "dark"]) {
    page.querySelector(`[data-set="${theme}"]`).click();
    await settled();
    const walk = page.createTreeWalker(page.body, 4), weak = new Set();
    let count = 0;
    while (walk.nextNode()) {
      const item = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || item.closest("script, [hidden], dialog:not([open])")) continue;
      if (!item.getClientRects().length) continue;
      let ground = item, opacity = 1;
      for (let at = item; at; at = at.parentElement) opacity *= Number(look.getComputedStyle(at).opacity);
      if (opacity === 0) continue;  // a label of an axis that would lie over its neighbour
      while (ground && parts(look.getComputedStyle(ground).backgroundColor)[3] === 0) {
        ground = ground.parentElement;
      }
      const behind = parts(look.getComputedStyle(ground || page.body).backgroundColor).slice(0, 3);
      const style = look.getComputedStyle(item);
      const ink = parts(item.closest("svg") ? style.fill : style.color).slice(0, 3)
        .map((v, at) => opacity * v + (1 - opacity) * behind[at]);
      const [high, low] = [luminance(ink), luminance(behind)].sort((a, b) => b - a);
      count += 1;
      if ((high + 0.05) / (low + 0.05) < 4.5) {
        weak.add(`${item.tagName}.${item.className.baseVal ?? item.className}: ${walk.currentNode.data.trim().slice(0, 30)}`);
      }
    }
    told[theme] = { many: count > 500, weak: [...weak].slice(0, 9) };
  }
  return told;
};"""


def asked(report: Report, folder: Path, ask: str, *, width: int = 1200) -> Any:
    """Return what a script finds out about the page in a frame of so many pixels."""
    write_html(report, folder / "report.html", interactive=False)
    probe = PROBE.replace("$width", str(width)).replace("$ask", ask)
    (folder / "probe.html").write_text(probe, encoding="utf-8")
    shown, console = chromium(folder, (folder / "probe.html").as_uri())
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert console == ""
    assert found is not None
    return json.loads(found[1])


@pytest.fixture
def with_tables(full_report: Report, monkeypatch: pytest.MonkeyPatch) -> Report:
    """A report with one table that is wider than any window, and one that is not."""
    contents(full_report)  # imports the sections: into the register that stays
    monkeypatch.setattr(register, "_KNOWN", dict(register._KNOWN))
    register.section(order=90)(lambda _report: Section("tables", "Tables", [WIDE, NARROW]))
    return full_report


def test_headings_go_down_one_level_at_a_time(
    page: str, bare_report: Report, tmp_path: Path
) -> None:
    """Those who move from heading to heading miss no level, with gates, images or without."""
    write_html(bare_report, tmp_path / "bare.html", interactive=False)
    for text in (page, (tmp_path / "bare.html").read_text(encoding="utf-8")):
        tags = [tag for tag, _ in Page(text).elements]
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_table_is_a_region_with_a_short_name(page: str) -> None:
    """Its first sentence; the whole caption would be read out at every stop."""
    regions = [item for item in Page(page).every("div") if item.get("role") == "region"]
    labels = [item["aria-label"] or "" for item in regions]
    assert len(labels) > 10
    assert all(0 < len(label) < 200 and ". " not in label for label in labels)


def test_each_row_of_a_table_has_a_head(page: str) -> None:
    """So a screen reader says which row a figure stands in; the figures of charts, too."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert len(bodies) > 10
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", "".join(bodies), re.DOTALL):
        assert row.lstrip().startswith('<th scope="row"')
        assert row.count("<th") == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [700, 1200])
def test_a_wide_table_scrolls_and_stays_readable(
    with_tables: Report, tmp_path: Path, width: int
) -> None:
    """Its caption and first column stay in sight, it can be focused; what fits is no stop."""
    told = asked(with_tables, tmp_path, ASK_TABLES, width=width)
    assert told["wide"] == {
        "scrolls": True,
        "moved": True,
        "stop": 0,
        "role": "region",
        "label": "Twelve figures of each method",
        "caption": True,
        "first": True,
    }
    narrow = {"scrolls": False, "moved": False, "stop": -1, "role": None, "label": None}
    assert told["narrow"] == {**narrow, "caption": True, "first": True}
    assert told["page"]


@pytest.mark.slow
def test_on_a_phone_no_table_is_wider_than_the_window(with_tables: Report, tmp_path: Path) -> None:
    """Rows are cards there."""
    told = asked(with_tables, tmp_path, ASK_TABLES, width=390)
    assert told["page"]
    assert not told["wide"]["scrolls"]
    assert told["wide"]["caption"]


@pytest.mark.slow
def test_an_image_opens_and_closes_by_keyboard(full_report: Report, tmp_path: Path) -> None:
    """The focus goes into the view and comes back; every stop has a name, in the page's order."""
    told = asked(full_report, tmp_path, ASK_DIALOG)
    assert told == {"button": True, "escape": True, "order": True, "nameless": []}


@pytest.mark.slow
def test_all_text_has_contrast_in_both_themes(full_report: Report, tmp_path: Path) -> None:
    """4.5 to 1 or more against what is behind it (WCAG 2.2, 1.4.3), charts and folds included."""
    told = asked(full_report, tmp_path, ASK_CONTRAST)
    assert told == {theme: {"many": True, "weak": []} for theme in ("light", "dark")}


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="nothing here reads a PDF")
def test_no_sheet_of_paper_is_left_empty(with_tables: Report, tmp_path: Path) -> None:
    """Each has words on it, and all columns of a wide table are on the paper."""
    write_html(with_tables, tmp_path / "report.html", interactive=False)
    assert BROWSER is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    out = tmp_path / "report.pdf"
    address = (tmp_path / "report.html").as_uri()
    printed = [BROWSER, *flags, profile, f"--print-to-pdf={out}", address]
    subprocess.run(printed, capture_output=True, timeout=240, check=True)
    text = subprocess.run(
        ["pdftotext", "-layout", str(out), "-"], capture_output=True, text=True, check=True
    ).stdout
    sheets = [sheet.split() for sheet in text.split("\f")[:-1]]
    assert len(sheets) > 3
    assert min(map(len, sheets)) > 30
    assert text.count("★") >= 36

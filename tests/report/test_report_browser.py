"""The page in a real browser: policy kept, charts alive, readable with scripts off."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from adversity.report import write_html

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
SANDBOX = """<!doctype html><meta charset="utf-8"><iframe sandbox="allow-same-origin"
src="report.html" width="1200" height="900"></iframe><pre id="found">waiting</pre><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", async () => {
  const page = frame.contentDocument, look = frame.contentWindow;
  const images = Array.from(page.querySelectorAll("img[loading]"));
  images.forEach((image) => { image.loading = "eager"; });
  await Promise.allSettled(images.map((image) => image.decode()));
  const sizes = Array.from(page.querySelectorAll(".chart svg"), (item) => item.getBoundingClientRect());
  document.getElementById("found").textContent = JSON.stringify({
    drawn: sizes.filter((size) => size.width > 200 && size.height > 50).length,
    images: images.length,
    broken: images.filter((image) => image.naturalWidth === 0).length,
    buttons: look.getComputedStyle(page.querySelector(".theme")).display !== "none",
    live: page.querySelectorAll("[data-live]").length,
  });
});
</script>"""
PROBE = """<!doctype html><meta charset="utf-8"><iframe src="report.html" width="1200" height="900">
</iframe><pre id="found">waiting</pre><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", async () => {
  const page = frame.contentDocument, look = frame.contentWindow;
  const charts = Array.from(page.querySelectorAll(".chart"));
  charts.forEach((chart) => chart.dispatchEvent(new look.PointerEvent("pointerenter")));
  const busy = () => charts.some((chart) => !["yes", "no"].includes(chart.dataset.live));
  while (busy()) await new Promise((done) => setTimeout(done, 50));
  page.querySelector('[data-set="dark"]').click();
  const mark = page.querySelector('.chart [fill="#0060C0"], .chart [stroke="#0060C0"]');
  page.querySelector(".ground button").click();
  document.getElementById("found").textContent = JSON.stringify({
    charts: charts.length,
    live: charts.filter((chart) => chart.dataset.live === "yes").length,
    marks: charts.every((chart) => chart.querySelectorAll("svg path").length > 2),
    dark: look.getComputedStyle(page.body).backgroundColor,
    series: ["fill", "stroke"].map((part) => look.getComputedStyle(mark)[part]).find((colour) => colour !== "none"),
    dialog: page.querySelector("dialog").open,
    wide: page.documentElement.scrollWidth <= look.innerWidth,
  });
});
</script>"""


def chromium(folder: Path, address: str, *options: str) -> tuple[str, str]:
    """Return the page's elements after it ran, and what the console said."""
    if BROWSER is None:
        pytest.skip("no Chromium here")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--enable-logging=stderr",
        "--allow-file-access-from-files",
        "--window-size=1280,900",
        "--virtual-time-budget=60000",
    ]
    for attempt in range(3):  # a busy machine may spend the budget before the page has answered
        profile = f"--user-data-dir={folder / f'profile-{attempt}'}"
        done = subprocess.run(
            [BROWSER, *flags, profile, *options, "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        if '<pre id="found">waiting' not in done.stdout:
            break
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, console


@pytest.mark.slow
def test_page_lives_under_its_policy(full_report: Report, tmp_path: Path) -> None:
    """Every chart becomes interactive, the dark theme reaches it, and the console is silent."""
    write_html(full_report, tmp_path / "report.html")
    (tmp_path / "probe.html").write_text(PROBE, encoding="utf-8")
    shown, console = chromium(tmp_path, (tmp_path / "probe.html").as_uri())
    found = re.search(r'<pre id="found">(.*?)</pre>', shown)
    assert console == ""
    assert found is not None
    assert found[1] == (
        '{"charts":18,"live":18,"marks":true,"dark":"rgb(20, 24, 29)",'
        '"series":"rgb(86, 180, 233)","dialog":true,"wide":true}'
    )


@pytest.mark.slow
def test_hostile_page_runs_nothing_of_its_own(hostile_report: Report, tmp_path: Path) -> None:
    """With hostile names the policy has nothing to refuse and no chart fails."""
    write_html(hostile_report, tmp_path / "report.html")
    (tmp_path / "probe.html").write_text(PROBE, encoding="utf-8")
    shown, console = chromium(tmp_path, (tmp_path / "probe.html").as_uri())
    assert console == ""
    found = re.search(r'"charts":(\d+),"live":(\d+)', shown)
    assert found is not None
    assert found[1] == found[2]


@pytest.mark.slow
def test_page_is_whole_without_scripts(full_report: Report, tmp_path: Path) -> None:
    """With scripts off the charts, tables and images are all there."""
    write_html(full_report, tmp_path / "report.html")
    (tmp_path / "probe.html").write_text(SANDBOX, encoding="utf-8")
    shown, console = chromium(tmp_path, (tmp_path / "probe.html").as_uri())
    assert "allow-scripts" in console, "the browser says that it blocked the page's scripts"
    found = re.search(r'<pre id="found">(.*?)</pre>', shown)
    assert found is not None
    assert found[1] == '{"drawn":18,"images":20,"broken":0,"buttons":false,"live":0}'

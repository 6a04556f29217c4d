"""The site builds without a warning, is whole, and needs nothing from anywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from adversity.registry import discover

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PUBLIC = ["adversity", "adversity.errors", "adversity.metrics", "adversity.testing"]
ALSO = {
    "PluginBase",
    "Kind",
    "MetricBase",
    "IndexRow",
}  # of adversity.contracts, as contract.md says
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "srcset"}


class Page(HTMLParser):
    """What a page links to, what it loads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect from one tag."""
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if given.get(LOADED.get(tag, "")):
            self.loaded.add(given[LOADED[tag]])


def build(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as `make docs` does."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    return subprocess.run(
        [*command, "-c", str(ROOT / "docs/site"), str(source), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site into a folder of the test."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


@cache
def page(path: Path) -> Page:
    """Read a page once."""
    return Page(path.read_text(encoding="utf-8"))


def test_every_link_leads_to_a_file_and_an_anchor(site: Path) -> None:
    """Also those that lead to files of the repository outside docs/."""
    dead = []
    for file in site.rglob("*.html"):
        for link in page(file).links | page(file).loaded:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            found = target.is_file()
            if found and parts.fragment and target.suffix == ".html":
                found = unquote(parts.fragment) in page(target).anchors
            if not found:
                dead.append(f"{file.relative_to(site)}: {link}")
    assert not dead


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and images are files of the site."""
    for file in site.rglob("*.html"):
        for link in page(file).loaded:
            assert not link.startswith(("http:", "https:", "//")), f"{file.name}: {link}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), style.name


def test_search_knows_every_page(site: Path) -> None:
    """The index is a script, so that search works from files, too."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    for source in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        name = source.relative_to(ROOT).with_suffix("").as_posix()
        assert f'"{name}"' in index, name


def test_the_folder_opens_at_its_first_page(site: Path) -> None:
    """`index.html` leads to the documentation's first page."""
    assert "url=docs/index.html" in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "docs/index.html").is_file()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_api_reference(site: Path, module: str) -> None:
    """What `__all__` lists has an anchor, but for a module, a marker and a version."""
    anchors = set().union(*(page(file).anchors for file in (site / "docs/api").glob("*.html")))
    wanted = set(import_module(module).__all__) - {"__version__", "hookimpl", "metrics"} | ALSO
    described = {anchor.rpartition(".")[2] for anchor in anchors}
    assert wanted <= described


def test_the_catalogue_has_every_built_in_plugin(site: Path) -> None:
    """Each has a section that links can lead to, with its licence and every parameter."""
    text = (site / "docs/catalogue.html").read_text(encoding="utf-8")
    for entry in discover().entries():
        if entry.built_in and entry.cls is not None:
            anchor = f"{entry.kind}-{entry.name}".replace("_", "-")
            assert anchor in page(site / "docs/catalogue.html").anchors, entry.name
            shown = text.partition(f'<section id="{anchor}">')[2].partition("</section>")[0]
            for name in ("MIT", *entry.cls.model_fields):
                assert f">{name}<" in shown, (entry.name, name)


def test_a_file_that_a_page_asks_for_shows_its_path(site: Path) -> None:
    """The comment `file: PATH` is invisible; on the site the path stands over the block."""
    text = (site / "docs/kinds/attack.html").read_text(encoding="utf-8")
    assert re.search(r'class="code-block-caption">.*?sign_step\.py', text, re.DOTALL)


def test_a_dark_twin_of_an_image_is_shown_in_the_dark(site: Path) -> None:
    """The theme shows one of the two by their classes."""
    text = (site / "README.html").read_text(encoding="utf-8")
    shown = dict(re.findall(r'<img [^>]*class="(only-\w+)[^"]*"[^>]*src="([^"]+)"', text))
    assert shown["only-light"].endswith("report.png")
    assert shown["only-dark"].endswith("report-dark.png")


def test_a_dead_link_ends_the_build(tmp_path: Path) -> None:
    """A warning is an error, and says where."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# First\n\n[away](nowhere.md)\n", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert "docs/index.md:3" in done.stderr
    assert "nowhere.md" in done.stderr

"""What was drawn before is used again: only what changed is drawn, and no wrong piece is used."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.contracts.values import Measure
from adversity.report import Report, write_html, write_markdown
from adversity.report.charts import chart_style, renderer
from adversity.report.charts.drawings import UNKEPT, Drawings
from adversity.report.charts.reliability_chart import reliability
from adversity.report.sections.all_sections import contents
from adversity.report.values.blocks import Chart
from adversity.report.writers import image_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Counted:
    """Something to draw, and how often it was drawn."""

    def __init__(self, text: str = "drawn") -> None:
        self.text, self.times = text, 0

    def __call__(self) -> str:
        self.times += 1
        return self.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where drawings are kept; it is not there yet."""
    return tmp_path / "project" / "drawings"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is drawn in earnest: `chart` or `image` for each; nothing is remembered in memory."""
    made: list[str] = []

    def counted(word: str, function: Callable[..., str]) -> Callable[..., str]:
        def call(*arguments: Any, **options: Any) -> str:
            made.append(word)
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(chart_style, "draw", counted("chart", renderer.draw.__wrapped__))
    monkeypatch.setattr(image_grid, "_webp", counted("image", image_grid._webp))
    return made


def test_what_is_kept_is_not_drawn_again(folder: Path) -> None:
    """Another process, which has the folder alone, gets the same text, line ends and all."""
    draw = Counted("a\r\nb\n\u2212\n")
    assert [Drawings(folder).drawn("a", b"b", draw=draw) for _ in range(3)] == [draw.text] * 3
    assert draw.times == 1


@pytest.mark.parametrize("other", [("a", "c"), ("ab",), ("a", "b", ""), ("", "a", "b"), ("b", "a")])
def test_other_sources_are_another_drawing(folder: Path, other: tuple[str, ...]) -> None:
    """No text is found under what it was not drawn from, however the parts are cut."""
    Drawings(folder).drawn("a", "b", draw=Counted("first"))
    assert Drawings(folder).drawn(*other, draw=Counted("second")) == "second"


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "no text", "a folder", "another's"])
def test_a_damaged_drawing_is_drawn_anew(folder: Path, damage: str) -> None:
    """What is not what was written is never used, and is mended where it can be."""
    drawings, draw = Drawings(folder), Counted("<svg>1.25</svg>")
    drawings.drawn("chart", draw=draw)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    match damage:
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(whole[:-3])
        case "changed":
            file.write_bytes(whole.replace(b"1.25", b"1.35"))
        case "no text":
            file.write_bytes(b"\xff\xfe\xff")
        case "a folder":
            file.unlink()
            file.mkdir()
        case _:
            file.write_bytes(b"\n".join([whole.partition(b"\n")[0], b"<svg>9</svg>"]))
    assert drawings.drawn("chart", draw=draw) == draw.text
    assert draw.times == 2
    if damage != "a folder":
        assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_costs_time_only(folder: Path) -> None:
    """With a file in its place everything is drawn each time."""
    folder.parent.write_text("in the way")
    draw = Counted()
    drawings = Drawings(folder)
    assert [drawings.drawn("a", draw=draw) for _ in range(2)] == ["drawn"] * 2
    drawings.tidy()
    assert draw.times == 2


def test_a_drawing_that_fails_leaves_nothing(folder: Path) -> None:
    """An error is the caller's, and the next call draws."""

    def fail() -> str:
        raise ValueError("no such mark")

    with pytest.raises(ValueError, match="no such mark"):
        Drawings(folder).drawn("a", draw=fail)
    assert Drawings(folder).drawn("a", draw=Counted()) == "drawn"


def test_what_was_not_used_for_longest_goes_first(folder: Path) -> None:
    """The folder is bounded; a use counts, and so does what a killed process left half written."""
    drawings = Drawings(folder, most=3 * (65 + 100))
    for name in "abcd":
        drawings.drawn(name, draw=Counted(name * 100))
    for age, file in enumerate(sorted(folder.iterdir(), key=lambda path: path.read_bytes()[-1:])):
        os.utime(file, (1000 + age, 1000 + age))
    (folder / ".half-written").write_bytes(b"x" * 100)
    os.utime(folder / ".half-written", (1, 1))
    drawings.drawn("a", draw=Counted("not called"))
    drawings.tidy()
    left = {path.read_bytes()[-1:] for path in folder.iterdir()}
    assert left == {b"a", b"c", b"d"}


def test_nothing_is_kept_unless_a_folder_is_given() -> None:
    """From Python, a report writes what it was told to write and nothing else."""
    draw = Counted()
    assert [UNKEPT.drawn("a", draw=draw) for _ in range(2)] == ["drawn"] * 2
    UNKEPT.tidy()
    assert draw.times == 2


def chart(value: float = 0.8) -> Chart:
    """Return a chart of one point."""
    record = {"confidence": 0.9, "accuracy": value, "low": 0.7, "high": 0.95, "n": 40}
    return Chart("one", "One", "", "", (record,), reliability())


@pytest.mark.parametrize("what", ["a value", "the theme", "the renderer", "a font", "time zone"])
def test_what_a_chart_depends_on_is_in_its_place(
    folder: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    """A chart is drawn again when anything changes that its bytes depend on, and only then."""
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    (fonts / "sans.ttf").write_bytes(b"narrow")
    monkeypatch.setattr(renderer, "_directories", lambda: iter([fonts]))
    drawings, one = Drawings(folder), chart()

    def drawn() -> str:
        renderer.renderer.cache_clear()
        return chart_style.svg(one, drawings)

    try:
        first = [drawn(), drawn()]
        assert calls == ["chart"]
        assert first[0] == first[1] == chart_style.svg(one)
        calls.clear()
        match what:
            case "a value":
                one = chart(0.81)
            case "the theme":
                config = {**one.spec["config"], "font": "serif"}
                one = replace(one, spec={**one.spec, "config": config})
            case "the renderer":
                monkeypatch.setattr(renderer, "version", lambda name: f"{name} 99")
            case "a font":
                (fonts / "wide.ttf").write_bytes(b"wide")
            case _:
                monkeypatch.setenv("TZ", "Asia/Kathmandu")
        assert [drawn() for _ in range(2)] == [chart_style.svg(one)] * 2
        assert calls == ["chart"] * 2, "once for the folder, once without it"
    finally:
        renderer.renderer.cache_clear()


@pytest.mark.parametrize("what", ["data elsewhere", "an unknown renderer"])
def test_what_may_change_unseen_is_not_kept(
    folder: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A chart of a file, and one of a renderer without a version, are drawn each time."""
    one = chart()
    if what == "data elsewhere":
        (folder.parent).mkdir()
        (folder.parent / "more.json").write_text("[]")
        more = {"mark": "point", "data": {"url": (folder.parent / "more.json").as_uri()}}
        spec = {**one.spec, "layer": [*one.spec["layer"], more]}
        one = replace(one, spec=json.loads(json.dumps(spec)))
    else:
        monkeypatch.setattr(chart_style, "renderer", lambda: "")
    for _ in range(2):
        chart_style.svg(one, Drawings(folder))
    assert calls == ["chart"] * 2
    assert not folder.is_dir() or not list(folder.iterdir())


def test_the_fonts_of_this_machine_are_known() -> None:
    """Each is named with its size and time; there is at least where to look."""
    assert list(renderer._directories())
    for path, size, _ in renderer._fonts():
        assert Path(path).stat().st_size == size


@pytest.mark.parametrize("what", ["a pixel", "the size", "lossless", "the codec"])
def test_what_a_copy_depends_on_is_in_its_place(
    folder: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A display copy is encoded again when its pixels, its form or the encoder change."""
    drawings = Drawings(folder)
    image = np.random.default_rng(0).random((80, 100, 3)).astype(np.float32)
    options: dict[str, Any] = {"size": 90, "exact": False}

    def made() -> str:
        return image_grid.encoded(image, options["size"], drawings, exact=options["exact"])[0]

    assert made() == made()
    assert calls == ["image"]
    match what:
        case "a pixel":
            image = image.copy()
            image[3, 4] = 1 - image[3, 4]
        case "the size":
            options["size"] = 60
        case "lossless":
            options |= {"exact": True}
        case _:
            monkeypatch.setattr(image_grid, "_encoder", lambda: "another")
    expected = image_grid.encoded(image, options["size"], UNKEPT, exact=options["exact"])[0]
    assert [made(), made()] == [expected] * 2
    assert calls == ["image"] * 3, "before, once for the folder, once without it"


def pages(report: Report, folder: Path, drawings: Drawings) -> list[bytes]:
    """Write page, markdown and the charts beside it; return their bytes."""
    write_html(report, folder / "report.html", interactive=False, drawings=drawings)
    write_markdown(report, folder / "report.md", drawings=drawings)
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_a_page_is_the_same_bytes_with_and_without_what_is_kept(
    full_report: Report, folder: Path, tmp_path: Path, calls: list[str]
) -> None:
    """Drawn in full, from what is kept, from half of it, and without: one page."""
    drawings = Drawings(folder)
    written = [pages(full_report, tmp_path / "first", drawings)]
    count = len(contents(full_report).charts)
    assert calls.count("chart") == count, "page and markdown show the same charts"
    calls.clear()
    written.append(pages(full_report, tmp_path / "second", drawings))
    assert calls == []
    for file in sorted(folder.iterdir())[::2]:
        file.unlink()
    written.append(pages(full_report, tmp_path / "third", drawings))
    written.append(pages(full_report, tmp_path / "fourth", UNKEPT))
    assert written == [written[0]] * 4


def test_only_what_changed_is_drawn(
    full_report: Report, folder: Path, tmp_path: Path, calls: list[str]
) -> None:
    """A number of one step draws its charts again, and no image; a new image only itself."""
    drawings = Drawings(folder)
    pages(full_report, tmp_path, drawings)
    calls.clear()
    number, step = next(
        (at, step)
        for at, step in enumerate(full_report.steps)
        if step.cells and "accuracy" in step.cells[0].measures
    )
    cell = step.cells[0]
    value = cell.measures["accuracy"]
    other = Measure(value.value / 2, value.n, value.value / 3, value.value).known_as(value.info)
    cells = (replace(cell, measures={**cell.measures, "accuracy": other}), *step.cells[1:])
    steps = (*full_report.steps[:number], replace(step, cells=cells))
    changed = replace(full_report, steps=(*steps, *full_report.steps[number + 1 :]))
    pages(changed, tmp_path, drawings)
    assert 0 < calls.count("chart") < len(contents(changed).charts) / 2
    assert "image" not in calls
    calls.clear()
    first, *others = changed.rows
    images = (replace(first.images[0], image=1 - first.images[0].image), *first.images[1:])
    rows = (replace(first, images=images), *others)
    pages(replace(changed, rows=rows), tmp_path, drawings)
    assert calls == ["image"]

"""Images that a page shows are computed once, as long as nothing changes that they depend on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from toy_shown import CELL, STEPS, names, passed, same

from adversity.engine.calls.view_call import Passed
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary import shown_views
from adversity.engine.summary.packed import pack, tensor_sha256, unpack
from adversity.engine.summary.shown_views import ShownViews
from adversity.engine.summary.summarise import build_report
from adversity.report import report_json, write_html
from adversity.report.values.provenance import Provenance
from adversity_flows.runs.pages import write_pages

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.chain.image_batch import ImageBatch


def test_what_is_read_back_is_what_was_computed(
    shown_run: Any, tmp_path: Path, asked: list[str]
) -> None:
    """Images, side, origin and what was found; the second time nothing is asked."""
    plan, workspace = shown_run(only="learned")
    steps = (*STEPS, "fitted")
    plain = passed(plan, workspace, None, *steps)
    first = passed(plan, workspace, tmp_path / "shown", *steps)
    asked.clear()
    again = passed(plan, workspace, tmp_path / "shown", *steps)
    assert asked == []
    assert len(names(tmp_path / "shown")) == 3
    for one, other, third in zip(plain, first, again, strict=True):
        same(one, other)
        same(one, third)
    assert again[-1].origin == {"clear_sigma": "side"}
    assert list(again[-1].found) == ["clear.mean"]


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool]
)
@pytest.mark.parametrize("layout", ["rows", "columns", "one for all", "a part", "none"])
def test_every_tensor_comes_back_in_its_layout(dtype: torch.dtype, layout: str) -> None:
    """Numbers of any type, transposed, expanded, cut and empty; NaN keeps its bits."""
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 4, 5))).to(dtype)
    if dtype.is_floating_point:
        values[0, 0, 0, 0] = float("nan")
    laid = {
        "rows": values,
        "columns": values.transpose(2, 3),
        "one for all": values[:, :1].expand(2, 7, 4, 5),
        "a part": values[:, 1:2, ::2],
        "none": values[:0],
    }[layout]
    given = Passed(laid, {"b": laid[:, 0], "a": laid}, {"x": "side"}, {"s.f": laid[:, 0, 0]})
    (back, worsens) = unpack(pack(given, worsens=True))
    assert worsens
    assert (back.origin, list(back.side)) == ({"x": "side"}, ["b", "a"])
    for one, other in (
        (laid, back.images),
        (laid, back.side["a"]),
        (laid[:, 0], back.side["b"]),
        (laid[:, 0, 0], back.found["s.f"]),
    ):
        assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
        assert tensor_sha256(one) == tensor_sha256(other)


@pytest.mark.parametrize("damage", ["a bit", "cut", "empty", "gone", "of another", "unreadable"])
def test_what_is_damaged_is_computed_anew(
    shown_plan: Any, tmp_path: Path, asked: list[str], damage: str
) -> None:
    """A kept piece whose bytes are not those that were written is not used, and made good."""
    plan, workspace, folder = shown_plan(), Workspace.of(tmp_path), tmp_path / "shown"
    plain = passed(plan, workspace, folder, "shade")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    match damage:
        case "a bit":
            file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        case "cut":
            file.write_bytes(whole[:-7])
        case "empty":
            file.write_bytes(b"")
        case "gone":
            file.unlink()
        case "of another":
            file.write_bytes(whole.replace(b"float32", b"float64", 1))
        case _:
            file.unlink()
            file.mkdir()
    asked.clear()
    same(passed(plan, workspace, folder, "shade")[-1], plain[-1])
    assert set(asked) == {"shade"}
    if damage != "unreadable":
        assert file.read_bytes() == whole


def test_many_threads_give_one_answer(shown_plan: Any, tmp_path: Path) -> None:
    """Sixteen at once, on eight threads, into one folder: each what it is alone."""
    plan, workspace, folder = shown_plan(), Workspace.of(tmp_path), tmp_path / "shown"
    toolbox = Toolbox(plan, workspace)
    views, plain = ShownViews(toolbox, folder), ShownViews(toolbox)
    starts = [step_images(toolbox, "photos", CELL, [at % 4]) for at in range(16)]

    def through(use: ShownViews, start: ImageBatch) -> ImageBatch:
        return use.through("clear", CELL, use.through("shade", CELL, start))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: through(views, start), starts))
    for start, one in zip(starts, found, strict=True):
        same(one, through(plain, start))
    assert len(names(folder)) == 8, "four samples behind two views, and nothing half written"


def test_the_folder_is_bounded(shown_plan: Any, tmp_path: Path, asked: list[str]) -> None:
    """What was not used for longest goes; what was used just now is there."""
    plan, workspace, folder = shown_plan(), Workspace.of(tmp_path), tmp_path / "shown"
    passed(plan, workspace, folder)
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    used = passed(plan, workspace, folder, "shade")
    most = 1000 + used[-1].images.numel() * 4
    ShownViews(Toolbox(plan, workspace), folder, most=most).tidy()
    assert sum(file.stat().st_size for file in folder.iterdir()) <= most
    asked.clear()
    passed(plan, workspace, folder, "shade")
    assert asked == []
    passed(plan, workspace, folder)
    assert set(asked) == {"clear"}


def test_a_page_is_the_same_with_and_without_the_folder(
    shown_run: Any, tmp_path: Path, asked: list[str]
) -> None:
    """Page and result to the byte, three times; drawn again, no plugin is asked for anything."""
    plan, workspace = shown_run()
    folder, written = tmp_path / "shown", []
    for number, shown in enumerate((None, folder, folder)):
        asked.clear()
        report = build_report(plan, workspace, shown=shown)
        assert (asked == []) is (number == 2)
        assert {"shade", "clear", "levels"} <= set(asked) or number == 2
        write_html(report, tmp_path / "page.html", interactive=False)
        written.append(((tmp_path / "page.html").read_bytes(), report_json(report)))
        assert report.rows
        assert report.sheets
    assert written == [written[0]] * 3
    before = names(folder)
    assert build_report(plan, workspace, tracked=True, shown=folder).rows == ()
    assert names(folder) == before
    for file in sorted(folder.iterdir())[::2]:
        file.unlink()
    half = build_report(plan, workspace, shown=folder)
    assert report_json(half) == written[0][1]
    assert names(folder) == before


def test_an_unchanged_page_asks_no_plugin(shown_run: Any, tmp_path: Path, asked: list[str]) -> None:
    """`write_pages` keeps them in the project; another step's change computes nothing of these."""
    plan, workspace = shown_run()
    provenance = Provenance("20261130-000000-p", "2026-11-30T00:00:00Z", 1.0, "adversity run")
    written = []
    for _ in range(2):
        asked.clear()
        out = tmp_path / "runs" / f"page-{len(written)}"
        write_pages(out, plan, workspace, (), provenance, facts={})
        written.append([(out / name).read_bytes() for name in ("report.html", "result.json")])
    assert asked == []
    assert written[0] == written[1]
    assert names(tmp_path / shown_views.FOLDER)
    plan, workspace = shown_run(("file: number.txt", "file: null"))
    asked.clear()
    write_pages(tmp_path / "runs/other", plan, workspace, (), provenance, facts={})
    assert set(asked) == {"clear", "levels"}, "what comes before them is as it was"

"""`adversity study`: a page that asks, a key that knows, and what the votes say."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
CLICKS = """<script>
addEventListener("load", async () => {
  const press = (key) => dispatchEvent.call(document, new KeyboardEvent("keydown", { key }));
  press("ArrowLeft"); press("ArrowRight"); press("Backspace"); press("ArrowDown");
  document.getElementById("right").click();
  const saved = [];
  URL.createObjectURL = (blob) => { saved.push(blob); return "#"; };
  document.getElementById("save").click();
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = await saved[0].text();
  document.body.append(found);
});
</script></body>"""


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Twelve grey images in three folders: black, grey and white."""
    found = []
    for name, level in (("black", 0), ("grey", 128), ("white", 255)):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        for at in range(12):
            pixels = np.full((20, 24), level, np.uint8)
            pixels[0, at] = 255 - level
            Image.fromarray(pixels).save(folder / "sub" / f"{at}.png")
        found.append(folder)
    return found


def votes_for(key: dict[str, Any], wins: Callable[[str, str, int], str]) -> dict[str, Any]:
    """A file of votes: `wins` says of left, right and place what is chosen."""
    votes = [
        {"pair": at, "choice": wins(pair["left"], pair["right"], at)}
        for at, pair in enumerate(key["pairs"])
    ]
    return {"schema": "adversity-votes/1", "study": key["study"], "votes": votes}


def test_make_and_score(call: Any, folders: list[Path], tmp_path: Path) -> None:
    """The page has no names; the key has; scores follow the votes, by the closed form for two."""
    made = call("study", "make", str(tmp_path / "st"), *map(str, folders[:2]), "--pairs", "12")
    assert made.code == 0
    assert "12 pairs of black, grey on 12 images, 2 of them twice" in made.out
    page = (tmp_path / "st/study.html").read_text()
    assert "black" not in page
    assert "grey" not in page
    key = json.loads((tmp_path / "st/key.json").read_text())

    def choice(left: str, right: str, at: int) -> str:
        better = "grey" if at % 4 else "black"
        return "left" if left == better else "right"

    file = tmp_path / "votes.json"
    file.write_text(json.dumps(votes_for(key, choice)))
    document = json.loads(
        call("study", "score", str(tmp_path / "st/key.json"), str(file), "--json").out
    )
    assert document["votes"] == 12
    assert document["same_answer_twice"]["n"] == 2
    assert document["contenders"]["grey"]["won"] == 9
    score = document["contenders"]["grey"]["score"]
    assert score["value"] == pytest.approx(math.log(9 / 3) / 2, abs=1e-9)
    assert score["low"] < score["value"] < score["high"]
    told = call("study", "score", str(tmp_path / "st/key.json"), str(file)).out
    assert told.splitlines()[0] == "Which image is better? 12 votes of 1 voter"
    assert told.splitlines()[2].split()[:2] == ["grey", "0.549"]


def test_who_never_lost_has_no_score_and_its_votes_are_told(
    call: Any, folders: list[Path], tmp_path: Path
) -> None:
    """A number would be infinite."""
    call("study", "make", str(tmp_path / "st"), *map(str, folders))
    key = json.loads((tmp_path / "st/key.json").read_text())
    order = ["black", "grey", "white"]
    file = tmp_path / "votes.json"
    file.write_text(
        json.dumps(
            votes_for(key, lambda a, b, _: "left" if order.index(a) > order.index(b) else "right")
        )
    )
    told = call("study", "score", str(tmp_path / "st/key.json"), str(file))
    assert told.code == 0
    assert "no scores: no finite scores fit" in told.out


def test_an_export_is_matched_by_sample_and_its_answers_are_counted(
    call: Any, folders: list[Path], tmp_path: Path
) -> None:
    """Files have other names there; the answers to the images that were shown stand beside."""
    for folder, answer in zip(folders[:2], ("a", "b"), strict=True):
        lines = ["file,label,id,cell,prediction_net"]
        for at in range(12):
            (folder / "sub" / f"{at}.png").rename(folder / "sub" / f"{folder.name}{at}.png")
            lines.append(f"sub/{folder.name}{at}.png,a,image-{at},severity=1,{answer}")
        (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    made = call("study", "make", str(tmp_path / "st"), *map(str, folders[:2]))
    assert made.code == 0
    key = json.loads((tmp_path / "st/key.json").read_text())
    assert key["answers"] == {"black": {"n": 12, "right": 12}, "grey": {"n": 12, "right": 0}}
    assert {pair["sample"] for pair in key["pairs"]} == {f"image-{k} severity=1" for k in range(12)}


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ("no", "expected votes, which the page of a study saved, got no JSON"),
        ({"schema": "other", "votes": []}, "expected votes (adversity-votes/1), got another file"),
        ({"study": "0" * 16}, "they belong to another page"),
        (
            {"votes": [{"pair": 99, "choice": "left"}]},
            "for each of 13 pairs, once, got {'pair': 99",
        ),
        ({"votes": [{"pair": 0, "choice": "up"}]}, "expected one of left, right and same"),
        ({"votes": [{"pair": 0, "choice": "left"}] * 2}, "once, got {'pair': 0"),
        ({"votes": [{"pair": True, "choice": "left"}]}, "once, got {'pair': True"),
        ({"votes": [3]}, "once, got 3"),
        ({"votes": []}, "expected votes, got none"),
    ],
)
def test_what_are_no_votes_is_refused(
    call: Any, folders: list[Path], tmp_path: Path, votes: Any, message: str
) -> None:
    """One message, exit code 2."""
    call("study", "make", str(tmp_path / "st"), *map(str, folders[:2]), "--pairs", "11")
    key = json.loads((tmp_path / "st/key.json").read_text())
    whole = votes_for(key, lambda *_: "left")
    file = tmp_path / "votes.json"
    file.write_text(votes if isinstance(votes, str) else json.dumps(whole | votes))
    answer = call("study", "score", str(tmp_path / "st/key.json"), str(file))
    assert answer.code == 2
    assert message in " ".join(answer.err.split())


def test_bad_folders_are_refused(call: Any, folders: list[Path], tmp_path: Path) -> None:
    """One folder, none, two of one name, others' images, what cannot be shown, a study that is there."""
    out = str(tmp_path / "st")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other/black").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "other/black/x.png")
    (tmp_path / "deep/sub").mkdir(parents=True)
    for at in range(12):
        Image.new("F", (8, 8)).save(tmp_path / f"deep/sub/{at}.tif")
    for given, message in (
        (folders[:1], "expected at least two folders of images"),
        ([folders[0], tmp_path / "none"], "expected a folder of images"),
        ([folders[0], tmp_path / "empty"], "expected images in"),
        ([folders[0], tmp_path / "other/black"], "expected folders of different names"),
        ([folders[1], tmp_path / "other/black"], "got none that all of them have"),
        ([folders[0], tmp_path / "deep"], "expected an image of 8 bits to show, got one of mode F"),
    ):
        answer = call("study", "make", out, *map(str, given))
        assert answer.code == 2
        assert message in " ".join(answer.err.split())
    assert call("study", "make", out, *map(str, folders)).code == 0
    again = call("study", "make", out, *map(str, folders))
    assert again.code == 2
    assert "expected a folder without a study" in again.err
    (folders[0] / "manifest.csv").write_text("file,id\n../grey/sub/0.png,a\n")
    escape = call("study", "make", str(tmp_path / "st2"), *map(str, folders[:2]))
    assert escape.code == 2
    assert "expected files inside the folder" in escape.err


@pytest.mark.slow
def test_the_page_takes_votes_and_saves_them(
    call: Any, folders: list[Path], tmp_path: Path
) -> None:
    """Keys, a click and a step back in a real browser; the file is one that `score` reads."""
    if BROWSER is None:
        pytest.skip("no Chromium here")
    call("study", "make", str(tmp_path / "st"), *map(str, folders))
    page = tmp_path / "st/study.html"
    page.write_text(page.read_text().replace("</body>", CLICKS))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
    done = subprocess.run(
        [BROWSER, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    document = json.loads(found[1])
    assert [vote["choice"] for vote in document["votes"]] == ["left", "same", "right"]
    file = tmp_path / "votes.json"
    file.write_text(found[1])
    assert call("study", "score", str(tmp_path / "st/key.json"), str(file)).code == 0

"""Pairs by a rule of names: which clean image belongs to which, in every published layout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

import adversity
from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset._name_rule import NameRule
from adversity_plugins.dataset._pair_layouts import LAYOUTS, LayoutName
from adversity_plugins.dataset.paired_folder import PairedFolder

if TYPE_CHECKING:
    from pathlib import Path


def paint(root: Path, file: str, level: int, *, size: int = 16) -> None:
    path = root / "data" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), level).save(path)


def opened(root: Path, **given: Any) -> PairedFolder:
    data = PairedFolder(path="data", **given)
    data.open(root)
    return data


# Files as they are unpacked, degraded and clean in turn, with what their names say. The names are
# quoted in the descriptions that docs/data-sets.md cites.
PUBLISHED: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "reside_its": [
        ("hazy/1_1_0.90179.png", "clear/1.png", {"scene": 1.0, "haze": "1_0.90179"}),
        ("hazy/1_10_0.98842.png", "clear/1.png", {"scene": 1.0, "haze": "10_0.98842"}),
        ("hazy/12_1_0.74031.png", "clear/12.png", {"scene": 12.0, "haze": "1_0.74031"}),
    ],
    "reside_ots": [
        ("hazy/0005_0.8_0.04.jpg", "clear/0005.jpg", {"airlight": 0.8, "beta": 0.04, "scene": 5.0}),
        ("hazy/0005_1_0.2.jpg", "clear/0005.jpg", {"airlight": 1.0, "beta": 0.2, "scene": 5.0}),
    ],
    "reside_sots_indoor": [
        ("hazy/1400_1.png", "gt/1400.png", {"scene": 1400.0, "haze": 1.0}),
        ("hazy/1400_10.png", "gt/1400.png", {"scene": 1400.0, "haze": 10.0}),
    ],
    "reside_sots_outdoor": [
        ("hazy/0001_0.8_0.2.jpg", "gt/0001.png", {"airlight": 0.8, "beta": 0.2, "scene": 1.0}),
    ],
    "lol": [
        ("our485/low/2.png", "our485/high/2.png", {"part": "our485", "image": 2.0}),
        ("eval15/low/1.png", "eval15/high/1.png", {"part": "eval15", "image": 1.0}),
    ],
    "gopro": [
        (
            "train/GOPR0372_07_00/blur/000047.png",
            "train/GOPR0372_07_00/sharp/000047.png",
            {"part": "train", "frame": 47.0},
        ),
    ],
    "gopro_gamma": [
        (
            "test/GOPR0384_11_00/blur_gamma/000001.png",
            "test/GOPR0384_11_00/sharp/000001.png",
            {"part": "test", "frame": 1.0},
        ),
    ],
    "raindrop": [
        ("train/data/0_rain.png", "train/gt/0_clean.png", {"part": "train", "image": 0.0}),
    ],
    "input_target": [
        ("Rain100H/input/1.png", "Rain100H/target/1.png", {"part": "Rain100H", "image": 1.0}),
    ],
    "sr_x2": [("LR_bicubic/X2/babyx2.png", "HR/baby.png", {"image": "baby"})],
    "sr_x3": [("LR_bicubic/X3/babyx3.png", "HR/baby.png", {"image": "baby"})],
    "sr_x4": [("LR_bicubic/X4/babyx4.png", "HR/baby.png", {"image": "baby"})],
    "self_ex_sr": [
        (
            "image_SRF_2/img_001_SRF_2_LR.png",
            "image_SRF_2/img_001_SRF_2_HR.png",
            {"image": "img_001", "scale": 2.0},
        ),
    ],
    "images": [("test001.png", "", {"image": "test001"}), ("baby.bmp", "", {"image": "baby"})],
}


@pytest.mark.parametrize("layout", get_args(LayoutName))
def test_published_layouts(tmp_path: Path, layout: LayoutName) -> None:
    """Every image finds the partner that its set's description says, among decoys."""
    published = PUBLISHED[layout]
    levels = {file: number for number, file in enumerate({c for _, c, _ in published}, start=100)}
    for number, (degraded, clean, _) in enumerate(published):
        paint(tmp_path, degraded, number)
        if clean:
            paint(tmp_path, clean, levels[clean], size=32)
    if layout != "images":
        paint(tmp_path, "elsewhere/other_1_1.png", 200)
    data = opened(tmp_path, layout=layout)
    assert sorted(row.id for row in data.index()) == sorted(
        degraded for degraded, _, _ in published
    )
    assert data.quarantined == ()
    for index in range(len(data)):
        sample = data.item(index)
        number = [degraded for degraded, _, _ in published].index(sample.id)
        _, clean, said = published[number]
        assert (sample.image == number).all()
        assert sample.attributes == said
        assert sample.target is None
        if clean:
            assert sample.reference is not None
            assert (sample.reference == levels[clean]).all()
        else:
            assert sample.reference is None
    assert set(LAYOUTS) == set(PUBLISHED)


@pytest.mark.parametrize(
    ("layout", "part"), [("lol", "eval15"), ("gopro", "test"), ("self_ex_sr", "image_SRF_2")]
)
def test_path_may_name_a_part(tmp_path: Path, layout: LayoutName, part: str) -> None:
    """Then DVC hashes that part alone."""
    inside = {
        "lol": ("low/1.png", "high/1.png"),
        "gopro": ("GOPR0384_11_00/blur/000001.png", "GOPR0384_11_00/sharp/000001.png"),
        "self_ex_sr": ("img_001_SRF_2_LR.png", "img_001_SRF_2_HR.png"),
    }[layout]
    for number, file in enumerate(inside):
        paint(tmp_path, f"{part}/{file}", number)
    data = PairedFolder(path=f"data/{part}", layout=layout)
    data.open(tmp_path)
    assert [row.id for row in data.index()] == [inside[0]]
    assert (data.item(0).reference == 1).all()


def test_versions_of_a_scene_are_one_group_and_frames_of_a_video_too(tmp_path: Path) -> None:
    """Without `group` in a rule it is the clean image."""
    for level in (1, 2):
        paint(tmp_path, f"hazy/a_{level}.png", level)
        for frame in ("01", "02"):
            paint(tmp_path, f"scene{level}/blur/{frame}.png", level)
            paint(tmp_path, f"scene{level}/sharp/{frame}.png", level)
    paint(tmp_path, "clear/a.png", 9)
    hazy = opened(tmp_path, degraded="hazy/{scene}_{level}", clean="clear/{scene}")
    assert Source(hazy).groups == ("clear/a.png", "clear/a.png")
    assert (
        sorted(Source(opened(tmp_path, layout="gopro")).groups) == ["scene1"] * 2 + ["scene2"] * 2
    )


def test_psnr_is_measured_against_the_partner(tmp_path: Path) -> None:
    """A run: as it is, and restored; of flat images both have their closed form."""
    for scene, clean in (("a", 200), ("b", 120)):
        paint(tmp_path, f"clear/{scene}.png", clean)
        for step in (10, 40):
            paint(tmp_path, f"dim/{scene}_{step}.png", clean - step)
    (tmp_path / "p.yaml").write_text(
        "name: p\ndata:\n"
        "  dim: {uses: dataset/paired_folder, with: {path: data, degraded: 'dim/{scene}_{step}',"
        " clean: 'clear/{scene}'}}\n"
        "steps:\n  smooth: {uses: restoration/median, from: dim}\n"
        "  before: {uses: metric/psnr, from: dim}\n  after: {uses: metric/psnr, from: smooth}\n"
        "  steps: {uses: metric/psnr, from: dim, by: step}\n",
        encoding="utf-8",
    )
    adversity.run(tmp_path / "p.yaml", into=tmp_path / "out", root=tmp_path)
    for step in ("before", "after"):
        (file,) = (tmp_path / "out/artifacts/p" / step).rglob("*.parquet")
        table = pq.read_table(file).to_pydict()
        expected = [20 * math.log10(255 / shift) for shift in (10, 40, 10, 40)]
        assert table["psnr_db"] == pytest.approx(expected, abs=1e-4)


def test_a_class_may_stand_in_the_rule(tmp_path: Path) -> None:
    """Folders of classes with pairs: labels by name, sorted."""
    for number, name in enumerate(("dog", "cat")):
        paint(tmp_path, f"night/{name}/1.png", number)
        paint(tmp_path, f"day/{name}/1.png", number + 50)
    data = opened(tmp_path, degraded="night/{class}/{n}", clean="day/{class}/{n}")
    assert data.class_names == ("cat", "dog")
    assert [data.class_names[int(row.target)] for row in data.index()] == ["cat", "dog"]
    assert (data.item(0).reference == 51).all()


def test_images_without_a_usable_partner_are_left_out(tmp_path: Path) -> None:
    """Each with the reason: none, several, or one that cannot be read; none at all is refused."""
    for scene in "abcd":
        paint(tmp_path, f"in/{scene}.png", 1)
    paint(tmp_path, "out/a.png", 2)
    paint(tmp_path, "out/b.png", 2)
    paint(tmp_path, "out/b.bmp", 2)
    paint(tmp_path, "out/d.png", 2)
    (tmp_path / "data/out/d.png").write_bytes(b"x")
    data = opened(tmp_path, degraded="in/{scene}", clean="out/{scene}")
    assert [row.id for row in data.index()] == ["in/a.png"]
    reasons = dict(data.quarantined)
    assert reasons["in/b.png"] == "has several clean images: out/b.bmp, out/b.png; keep one"
    assert reasons["in/c.png"] == "has no clean image out/c"
    assert reasons["in/d.png"].startswith("its clean image data/out/d.png: ")
    with pytest.raises(DataError, match=r"found no usable one; in/a\.png has no clean image gt/a"):
        opened(tmp_path, degraded="in/{scene}", clean="gt/{scene}")
    with pytest.raises(DataError, match=r"expected images as nowhere/\{scene\}"):
        opened(tmp_path, degraded="nowhere/{scene}")
    with pytest.raises(DataError, match="limit 3 is more than the 2 images"):
        opened(tmp_path, degraded="in/{scene}", clean="out/{scene}", limit=3)


def test_an_edited_partner_is_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One grey level of it: another content; and refused where it changes during a run."""
    monkeypatch.setattr("adversity_plugins.dataset._image_files._REMEMBERED_BYTES", 0)
    paint(tmp_path, "low/1.png", 1)
    paint(tmp_path, "high/1.png", 100)
    data = opened(tmp_path, layout="lol")
    before = Source(data).content
    paint(tmp_path, "high/1.png", 101)
    with pytest.raises(DataError, match=r"data/high/1\.png changed during the run"):
        data.item(0)
    assert Source(opened(tmp_path, layout="lol")).content != before


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"layout": "lol", "degraded": "{a}"},
        {"layout": "lol", "clean": "{a}"},
        {"clean": "{a}"},
        {"degraded": "plain"},
        {"degraded": "{a"},
        {"degraded": "{A}"},
        {"degraded": "../{a}"},
        {"degraded": "/in/{a}"},
        {"degraded": "{a}", "clean": "{a}/../../{a}"},
        {"degraded": "{a}", "clean": "{b}"},
        {"layout": "reside"},
        {"layout": "lol", "limit": 0},
    ],
    ids=str,
)
def test_parameters_are_checked(given: dict[str, Any]) -> None:
    """One way to say it, names in braces that both have, no path out of the folder."""
    with pytest.raises(ValidationError):
        PairedFolder(path="data", **given)


def test_rules_take_letters_as_they_stand() -> None:
    """Dots and brackets of a rule are no patterns; a name that comes twice is the same."""
    assert NameRule("a.b/{x}").match("aXb/1.png") is None
    assert NameRule("a(b)[c]/{x}").match("a(b)[c]/1.png") == {"x": "1"}
    assert NameRule("{s}/{x}_{s}").match("2/a_2.png") == {"s": "2", "x": "a"}
    assert NameRule("{s}/{x}_{s}").match("2/a_3.png") is None
    assert NameRule("{x}").match("in/a.png") is None
    assert NameRule("{scene}_{k}").filled({"scene": "{k}", "k": "1"}) == "{k}_1"


def test_pixels_of_a_colour_partner(tmp_path: Path) -> None:
    """A photograph in its own size, read exactly."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    paint(tmp_path, "low/1.png", 1)
    (tmp_path / "data/high").mkdir()
    Image.fromarray(pixels).save(tmp_path / "data/high/1.png")
    data = opened(tmp_path, layout="lol")
    np.testing.assert_array_equal(data.item(0).reference, pixels)
    assert data.index()[0].reference_shape == (20, 30, 3)

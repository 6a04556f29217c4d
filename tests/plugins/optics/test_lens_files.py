"""Files of lenses: a lens by its name and sensor, and what in them is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adversity import ProjectFolder
from adversity.errors import DataError
from adversity_plugins.optics.lens_files import lens_of
from adversity_plugins.optics.lens_profile import profile

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, **files: str) -> ProjectFolder:
    """Write files of a database."""
    (folder / "db").mkdir()
    for name, text in files.items():
        (folder / "db" / f"{name}.xml").write_text(text, encoding="utf-8")
    database = ProjectFolder("db")
    database.bind(folder)
    return database


def entry(crop: float, inside: str = "", ratio: str = "") -> str:
    """Return a lens in a file."""
    return (
        f"<lensdatabase><lens><maker>Maker</maker><model>One 50mm</model><cropfactor>{crop}"
        f"</cropfactor>{ratio}<calibration>{inside}</calibration></lens></lensdatabase>"
    )


def test_a_lens_is_found_by_name_and_sensor(tmp_path: Path) -> None:
    """Case and maker do not matter; of two sensors the smaller one that is no smaller counts."""
    ratio = "<aspect-ratio>4:3</aspect-ratio>"
    folder = written(tmp_path, full=entry(1), half=entry(1.6, ratio=ratio), notes="<a/>")
    for name in ("One 50mm", "maker one 50MM"):
        crops = {crop: lens_of(folder, name, crop).crop for crop in (None, 1.0, 1.5, 1.6, 2.0)}
        assert crops == {None: 1.0, 1.0: 1.0, 1.5: 1.0, 1.6: 1.6, 2.0: 1.6}
    assert lens_of(folder, "One 50mm", 1.6).aspect == pytest.approx(4 / 3)
    assert lens_of(folder, "One 50mm", 1).aspect == 1.5


@pytest.mark.parametrize(
    ("text", "name", "crop", "words"),
    [
        (entry(1), "One 55mm", None, "got 'One 55mm'; did you mean One 50mm"),
        (entry(1.6), "One 50mm", 1.0, "sensors of crop factor 1.6 alone"),
        ("<lensdatabase/>", "One 50mm", None, "expected XML files with lenses"),
        ("<lensdatabase>", "One 50mm", None, "x.xml: expected XML, which it is not"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "One 50mm", None, "got the entity 'b'"),
        (
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
            "One 50mm",
            None,
            "got the entity 'b'",
        ),
        (
            '<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/hostname"> %b;]><a/>',
            "One 50mm",
            None,
            "got the entity 'b'",
        ),
    ],
)
def test_what_is_no_lens_is_refused(
    tmp_path: Path, text: str, name: str, crop: float | None, words: str
) -> None:
    """With the file and what it has; entities, inner, outer or of parameters, before all."""
    with pytest.raises(DataError, match=words):
        lens_of(written(tmp_path, x=text), name, crop)


def test_a_document_type_alone_is_read_and_nothing_of_it_opened(tmp_path: Path) -> None:
    """Newer files of lensfun name one."""
    text = '<!DOCTYPE lensdatabase SYSTEM "lensfun-database.dtd">' + entry(1)
    assert lens_of(written(tmp_path, x=text), "One 50mm", None).crop == 1


@pytest.mark.parametrize(
    ("inside", "given", "words"),
    [
        ("", {}, "whose distortion was measured, it was not"),
        ('<distortion model="fov1" focal="50"/>', {}, "of poly3, poly5, ptlens, got 'fov1'"),
        ('<distortion model="poly3" focal="50" k1="x"/>', {}, "a number k1 of distortion, got 'x'"),
        ('<distortion model="poly3" focal="0" k1="0"/>', {}, "a number focal"),
        ('<distortion model="poly3" focal="35" k1="0"/>', {}, "35 to 35 mm, got 50"),
        (
            '<vignetting model="pa" focal="50" aperture="2" distance="1" k1="-0.5"/>',
            {"effects": ("vignetting",), "aperture": 4.0},
            "vignetting was measured, 2, got 4",
        ),
    ],
)
def test_what_was_not_measured_is_said(
    tmp_path: Path, inside: str, given: dict[str, Any], words: str
) -> None:
    """And what was."""
    lens = lens_of(written(tmp_path, x=entry(1, inside)), "One 50mm", None)
    asked = {"effects": ("distortion",), "aperture": None, **given}
    effects = asked.pop("effects")
    with pytest.raises(DataError, match=words):
        profile(lens, effects, focal=50, crop=None, distance=None, **asked)


def test_the_nearest_distance_counts(tmp_path: Path) -> None:
    """In 1 / m: at 0.6 m it is 0.5 m, at 1.5 m it is 1 m, and none is the farthest."""
    rows = "".join(
        f'<vignetting model="pa" focal="50" aperture="2" distance="{far}" k1="{-far / 10000}"/>'
        for far in (0.5, 1, 1000)
    )
    lens = lens_of(written(tmp_path, x=entry(1, rows)), "One 50mm", None)
    for distance, far in ((0.6, 0.5), (1.5, 1), (None, 1000)):
        told = profile(lens, ["vignetting"], focal=50, crop=None, aperture=2.0, distance=distance)
        assert told.vignetting[0] == pytest.approx(-far / 10000)

"""Drawings of a page: as small as they can be, and the same to the eye."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from adversity.report.charts.chart_style import svg
from adversity.report.charts.slim_svg import slim_svg
from adversity.report.sections.all_sections import contents

if TYPE_CHECKING:
    from adversity.report.values.model import Report

NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"


def words(text: str) -> list[str]:
    """What is written in a drawing, in its order."""
    return [item.text or "" for item in ElementTree.fromstring(text).iter() if item.text]


def test_every_chart_keeps_its_words_and_places(full_report: Report) -> None:
    """Text is the same, and no place moves by more than a hundredth of a unit of 440."""
    for chart in contents(full_report).charts:
        before = svg(chart)
        after = slim_svg(before)
        assert words(after) == words(before)
        assert "aria-label" not in after
        places = [
            [float(x) for part in re.findall(r'(?:transform| d)="([^"]*)"', text)
             for x in re.findall(NUMBER, part)]
            for text in (re.sub(r'<path class="(?:back|fore)ground"[^>]*>', "", t) for t in (before, after))
        ]  # fmt: skip
        assert places[1] == pytest.approx(places[0], abs=0.0051)
        assert len(after) < 0.8 * len(before)


def test_text_is_left_alone() -> None:
    """Words that look like attributes, and numbers in them, stay."""
    text = '<text role="x" x="1.23456">role="img" 0.123456 &lt;b&gt;</text>'
    assert slim_svg(text) == '<text x="1.23">role="img" 0.123456 &lt;b&gt;</text>'

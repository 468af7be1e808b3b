"""Figures that the server draws: curves by age, and circles of words."""

from __future__ import annotations

import re
from itertools import combinations
from math import hypot, sqrt
from xml.etree import ElementTree

import pytest

from tikdash.ui.bubbles import MOST, Word, bubbles_svg, pack
from tikdash.ui.curve import HEIGHT, WIDTH, Band, curve_svg

EVIL = '<script>&"'
DAY = 86_400


@pytest.mark.parametrize("radii", [[5.0], [50.0, 9.0, 9.0], [60 / sqrt(n) for n in range(1, 25)], [20.0] * 24])
def test_circles_do_not_overlap_and_the_first_stands_in_the_middle(radii: list[float]) -> None:
    circles = pack(radii)
    assert [each.r for each in circles] == radii and (circles[0].x, circles[0].y) == (0, 0)
    for one, other in combinations(circles, 2):
        assert hypot(one.x - other.x, one.y - other.y) >= one.r + other.r


def test_bubbles_say_their_numbers_and_the_words_are_text() -> None:
    words = [Word(f"#{EVIL}{number}", 1_234 * number, 2, number / 40, lifts=number > 20) for number in range(1, 41)]
    svg = bubbles_svg(words, EVIL)
    root = ElementTree.fromstring(svg)  # noqa: S314  (our own text)
    titles = [each.text or "" for each in root.iter("title")]
    assert len(titles) == MOST and titles[0] == f"#{EVIL}40: 49,360 views, 2 posts"
    assert root.get("aria-label") == EVIL and "style=" not in svg
    assert svg == bubbles_svg(words, EVIL) and bubbles_svg([], "") == ""


def test_a_curve_stays_inside_its_picture_and_has_no_style() -> None:
    bands = [Band(age, 10.0 * age, 20.0 * age, 40.0 * age) for age in (3_600, DAY, 30 * DAY)]
    svg = curve_svg([(60, 0), (DAY, 10**7), (36 * DAY, 10**9)], bands, EVIL)
    ElementTree.fromstring(svg)  # noqa: S314  (our own text)
    assert "style=" not in svg and "&lt;script&gt;" in svg
    points = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg)
    assert len(points) > 8
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_without_numbers_there_is_no_curve_and_of_zeros_a_flat_one() -> None:
    assert curve_svg([], [], "") == ""
    assert 'class="curve-own"' in curve_svg([(DAY, 0)], [], "")


def test_many_readings_are_thinned_and_the_newest_stays() -> None:
    svg = curve_svg([(3_600 + 60 * number, number) for number in range(5_000)], [], "")
    assert svg.count("L") < 125 and "5.00" in svg

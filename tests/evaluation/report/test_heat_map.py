import re
from importlib.resources import files

import numpy as np
import pytest

from wenlu.evaluation.report.heat_map import TURN, heat_map

STYLE = (files("wenlu.evaluation.report") / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z]+): ([^;]+);", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
)
Colour = tuple[float, ...]


def colour(value: str) -> Colour:
    if value.startswith("#"):
        return tuple(int(value[at : at + 2], 16) for at in (1, 3, 5))
    return tuple(map(float, value.split()))


def brightness(of: Colour) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in of)
    ]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: Colour, second: Colour) -> float:
    low, high = sorted((brightness(first), brightness(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", ["hit", "miss"])
@pytest.mark.parametrize(("mode", "theme"), [(0, LIGHT), (1, DARK)])
def test_every_shade_can_be_read(kind: str, mode: int, theme: dict[str, str]) -> None:
    card, full = colour(theme["card"]), colour(theme[kind])
    for step in range(101):
        strength = step / 100
        shade = tuple(strength * f + (1 - strength) * c for f, c in zip(full, card, strict=True))
        strong = strength >= TURN[kind][mode]
        words = (255.0,) * 3 if strong == (mode == 0) else (0.0,) * 3
        assert contrast(shade, words) >= 4.5, strength


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_can_be_read(theme: dict[str, str]) -> None:
    for words in ("ink", "soft", "azure", "vermilion", "gold"):
        for ground in ("paper", "card"):
            assert contrast(colour(theme[words]), colour(theme[ground])) >= 4.5, (words, ground)


def test_a_part_of_the_matrix_adds_up() -> None:
    matrix = np.array([[5, 1, 2], [0, 4, 0], [3, 0, 9]])
    table = heat_map(matrix, ["甲", "乙", "丙"], [2, 0])
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert cells[1] == ["9", "3", "0", "12"]
    assert cells[2] == ["2", "5", "1", "8"]
    assert cells[3] == ["11", "8", "", "24"]
    assert 'title="丙 → 甲: 3 (25.0 %)"' in table

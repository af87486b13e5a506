import pytest

from wenlu.evaluation.numerals import (
    decimals,
    duration,
    interval,
    percent,
    plus_minus,
    score,
    short,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "0.25 s"),
        (83.1, "83.1 s"),
        (119.6, "2 min 0 s"),
        (4523, "1 h 15 min"),
        (3599.9, "1 h 0 min"),
        (86_400 * 3, "3.0 days"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_numbers() -> None:
    assert percent(0.53214) == "53.21 %"
    assert short(4_800_000) == "4.8 M"
    assert decimals(None) == "–"
    assert score("loss", 0.5) == "0.5"
    assert score("spearman", -0.5) == "-50.00 %"
    assert score("perplexity", 12.34) == "12.34"
    assert interval("accuracy", 0.5, 0.6) == "50.00 – 60.00 %"
    assert plus_minus("accuracy", 0.5, 0.01) == "50.00 ± 1.00 %"
    assert plus_minus("accuracy", 0.5, None) == "50.00 %"

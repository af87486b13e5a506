from pathlib import Path
from typing import Any

import pytest

from wenlu.evaluation import Prediction, RunFiles
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.sections.findings import findings


def said(predictions: tuple[Prediction, ...] = (), epochs: Any = (), **result: Any) -> str:  # noqa: ANN401
    result = {"task": "tnews", **result}
    run = RunFiles(folder=Path("run"), result=result, predictions=predictions, epochs=tuple(epochs))
    return findings(Facts(run))


def answers(*rows: tuple[str, str, float, int]) -> tuple[Prediction, ...]:
    return tuple(
        Prediction(("文本",), gold, predicted, {predicted: sure})
        for gold, predicted, sure, times in rows
        for _ in range(times)
    )


def test_silence() -> None:
    assert "Nothing out of the ordinary." in said()


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"rows": 100, "also_in_train": 3}, "3 of the 100 dev texts (3.00 %) also stand in"),
        ({"rows": 100, "conflicts": 2}, "2 texts of dev (2.00 %) come with different labels"),
        ({"rows": 100, "cut": 30}, "30.0 % of the dev texts were cut"),
        ({"rows": 100, "unknown_share": 0.02}, "2.0 % of the dev tokens are [UNK]"),
        ({"rows": 9, "labels_without_examples": ["7"]}, "No training text carries the label"),
        ({"rows": 1000, "cut": 1, "conflicts": 1, "unknown_share": 0.001}, "Nothing out of"),
    ],
)
def test_data(split: dict[str, Any], words: str) -> None:
    assert words in said(splits={"dev": split})


def test_epochs() -> None:
    epochs = [{"epoch": k, "accuracy": 0.5, "dev_loss": loss} for k, loss in ((1, 1.0), (2, 1.3))]
    assert "rose from 1 (epoch 1) to 1.3" in said(epochs=epochs, best_epoch=1)
    assert "training longer may still help" in said(epochs=epochs, best_epoch=2)
    stopped = said(epochs=epochs, best_epoch=2, stopped="early stopping")
    assert "training longer" not in stopped


def test_classes() -> None:
    rows = answers(("a", "a", 0.9, 40), ("b", "a", 0.9, 20), ("c", "c", 0.9, 5))
    text = said(rows)
    assert "Never predicted, though the dev set has them (1)" in text
    assert "20 times, 100.0 % of all mistakes" in text


def test_no_better_than_the_most_frequent_class() -> None:
    rows = answers(("a", "a", 0.6, 60), ("b", "a", 0.6, 40))
    assert "not shown to be better than always answering" in said(rows)


@pytest.mark.parametrize(("sure", "word"), [(0.99, "surer"), (0.2, "less sure")])
def test_confidence(sure: float, word: str) -> None:
    rows = answers(("a", "a", sure, 60), ("b", "a", sure, 40))
    assert f"The model is {word} than it should be" in said(rows)


def test_seeds() -> None:
    runs = [{"seed": k, "scores": {"accuracy": 0.5 + k / 20}} for k in (0, 1)]
    assert "from 50.00 % to 55.00 %" in said(runs=runs)

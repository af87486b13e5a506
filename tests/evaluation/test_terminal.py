from typing import Any

from rich.console import Console

from wenlu.evaluation import result_table


def shown(result: dict[str, Any]) -> str:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(result_table(result))
    return capture.get()


def test_one_run() -> None:
    text = shown(
        {
            "task": "tnews",
            "model": "[red]small",
            "scores": {
                "accuracy": 0.53,
                "accuracy_low": 0.52,
                "accuracy_high": 0.54,
                "macro_f1": 0.49,
            },
            "examples_per_second": 320.0,
            "seconds": 83.1,
        }
    )
    for part in ("53.00 %", "52.00 – 54.00 %", "49.00 %", "320", "83.1 s", "[red]small"):
        assert part in text


def test_several_seeds() -> None:
    runs = [
        {"seed": seed, "scores": {"accuracy": value, "macro_f1": value / 2}, "seconds": 80 + seed}
        for seed, value in ((1, 0.50), (2, 0.52))
    ]
    text = shown(
        {"task": "tnews", "runs": runs, "scores": {"accuracy": 0.51, "accuracy_sd": 0.014}}
    )
    for part in ("50.00 %", "51.00 ± 1.40 %", "25.50 ± 0.71 %", "81.5 s ± 0.71 s", "Macro-F1"):
        assert part in text


def test_seeds_that_did_not_record_their_cost() -> None:
    runs = [{"seed": seed, "scores": {"accuracy": 0.5}} for seed in (1, 2)]
    text = shown({"runs": runs, "seconds": 181, "scores": {"accuracy": 0.5, "accuracy_sd": 0.0}})
    assert "3 min 1 s for all seeds" in text
    assert "–" not in text


def test_a_result_without_anything() -> None:
    assert "Accuracy" in shown({})

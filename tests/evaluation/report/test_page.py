import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wenlu.errors import RunError
from wenlu.evaluation import write_report
from wenlu.evaluation.report.page import sections_of

from .pages import check

MakeRun = Callable[..., Path]


@pytest.mark.parametrize("classes", [2, 15, 40, 41, 119])
def test_every_section_is_there(make_run: MakeRun, classes: int) -> None:
    page = check(make_run(classes=classes, rows=600))
    assert page.ids == ["headline", *(at for at, *_ in sections_of("labels") if at != "seeds")]
    for words in ("53.00 %", "50.00 – 56.00 %", "best: epoch 3", "类别1", "wenlu train tnews"):
        assert words in page.text
    assert ("The 30 most confused of" in page.text) == (classes > 40)
    assert "7 of the 600 dev texts (1.17 %) also stand in the training set" in page.text


def test_nothing_of_the_user_is_markup(make_run: MakeRun) -> None:
    evil = "<script>alert(1)</script>\"'&\x00\u202e</style></title><img src=x onerror=y>"
    run = make_run(
        classes=3,
        texts=(evil, "长" * 500 + evil, "\ud800 lone"),
        names=[evil, "<b>粗", "体育"],
        task=evil,
        model=evil,
        command=[evil],
        main_metric="accuracy",
        versions={evil: evil},
        splits={evil: {"file": evil, "rows": 3, "conflicts": 3, "also_in_train": 3}},
        device=evil,
        stopped=evil,
    )
    (run / "config.toml").write_text(f"'''x''' = 1\n'{'<img src=x>'}' = '<i>'\n", encoding="utf-8")
    checker = check(run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "<script>alert(1)</script>" in checker.text
    assert "␀[U+202E]" in checker.text
    assert "[U+D800] lone" in checker.text


def test_the_page_forbids_other_scripts(make_run: MakeRun) -> None:
    page = write_report(make_run()).read_text(encoding="utf-8")
    assert re.search(r"default-src &#x27;none&#x27;;[^\"]*script-src &#x27;sha256-", page)


def test_an_unfinished_run_says_so(make_run: MakeRun) -> None:
    run = make_run(finished=False)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"event": "st')
    page = check(run)
    assert "This run is unfinished: the last logged step is 60, after 3 whole epochs." in page.text
    assert "56.00 %" in page.text  # the best epoch so far


@pytest.mark.parametrize(
    "kept", ["config.toml", "metrics.jsonl", "dev.predictions.jsonl", "result.json"]
)
def test_one_file_is_enough(make_run: MakeRun, kept: str) -> None:
    run = make_run()
    for file in run.iterdir():
        if file.name != kept:
            file.unlink()
    assert check(run).ids == [
        "headline",
        *(at for at, *_ in sections_of("labels") if at != "seeds"),
    ]


@pytest.mark.parametrize("key", ["labels", "scores", "splits", "versions", "runs", "best_epoch"])
@pytest.mark.parametrize("value", [None, "odd", [], {}, [1], float("nan")])
def test_odd_results_do_not_break_it(make_run: MakeRun, key: str, value: object) -> None:
    check(make_run(rows=20, **{key: value}))


def test_pairs_show_both_texts(make_run: MakeRun) -> None:
    page = check(make_run(classes=2, texts=("怎么开通花呗",), pair=True, names=["不同义", "同义"]))
    assert "怎么开通花呗 ／ 怎么开通花呗" in page.text
    assert "run '怎么开通花呗' '怎么开通花呗'" in page.text
    assert 'run.predict([("怎么开通花呗", "怎么开通花呗")])' in page.text


def test_one_class_and_no_mistakes(make_run: MakeRun) -> None:
    page = check(make_run(classes=1, rows=30))
    assert page.text.count("No mistakes.") == 2


def test_unlabelled_rows_are_not_rated(make_run: MakeRun) -> None:
    run = make_run(rows=0)
    line = {"texts": ["无标签"], "gold": None, "predicted": "100"}
    (run / "dev.predictions.jsonl").write_text(json.dumps(line))
    assert "No dev predictions with gold labels yet." in check(run).text


@pytest.mark.parametrize("first", [1, 30])
def test_a_loss_that_is_no_number(make_run: MakeRun, first: int) -> None:
    page = check(make_run(nan_from=first))
    assert (
        f"not a finite number at {61 - first} of 60 logged steps, first at step {first}."
        in page.text
    )


def test_several_seeds(make_run: MakeRun) -> None:
    runs = [
        {"seed": seed, "folder": f"seed-{seed}", "scores": {"accuracy": 0.5 + seed / 100}}
        for seed in (1, 2)
    ]
    runs.append({"seed": 3, "folder": "../../..", "scores": {"accuracy": 0.53}})
    whole = make_run(
        runs=runs,
        best_run="seed-2",
        scores={"accuracy": 0.52, "accuracy_sd": 0.01, "accuracy_low": 0.4, "accuracy_high": 0.6},
    )
    for name in ("metrics.jsonl", "dev.predictions.jsonl"):
        (whole / name).unlink()
    for seed in (1, 2):
        make_run(name=f"run/seed-{seed}", seed=seed, scores={"accuracy": 0.5 + seed / 100})
    write_report(whole / "seed-1")
    page = check(whole)
    assert "./seed-1/report.html" in page.addresses
    assert "./seed-2/report.html" not in page.addresses
    assert "52.00 ± 1.00 %" in page.text
    assert "of the dev texts are wrong under every seed" in page.text
    assert "± 1.00 % over 3 seeds" in page.text
    assert "seeds" in page.ids
    assert "confusion" not in page.ids


@pytest.mark.slow
def test_a_large_run_stays_a_small_file(make_run: MakeRun) -> None:
    run = make_run(classes=119, rows=10_000, steps=5000, texts=("很长的应用描述" * 300,))
    check(run)
    assert (run / "report.html").stat().st_size <= 1_500_000


def test_a_failure_leaves_the_old_report(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    write_report(run).write_text("old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="disk full"):
        write_report(run)
    assert (run / "report.html").read_text() == "old"
    assert not list(run.glob(".report*"))


def test_no_run_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds none of the files"):
        write_report(tmp_path)


def test_it_needs_no_torch() -> None:
    code = "import sys, wenlu.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_runs_without_step_lines_or_without_anything_logged(make_run: MakeRun) -> None:
    run = make_run(main_metric="f1", scores={"f1": 0.4, "spearman": 0.7})
    epochs = [json.dumps({"event": "epoch", "epoch": 1, "step": 9, "train_loss": 2.0})]
    (run / "metrics.jsonl").write_text("\n".join(epochs))
    page = check(run)
    assert "40.00 %" in page.text
    assert "70.00 %" in page.text
    (run / "metrics.jsonl").write_text("")
    assert "No step has been logged." in check(run).text


def test_a_run_without_mistakes(make_run: MakeRun) -> None:
    run = make_run(rows=0)
    line = {"texts": ["对"], "gold": "100", "predicted": "100", "probabilities": {"100": 0.9}}
    (run / "dev.predictions.jsonl").write_text("\n".join([json.dumps(line)] * 3))
    assert check(run).text.count("No mistakes.") == 2


def test_the_gold_label_is_shown_however_unlikely(make_run: MakeRun) -> None:
    run = make_run(rows=0)
    chances = {str(100 + k): 0.3 - 0.05 * k for k in range(6)}
    line = {"texts": ["错"], "gold": "105", "predicted": "100", "probabilities": chances}
    (run / "dev.predictions.jsonl").write_text(json.dumps(line))
    page = write_report(run)
    assert check(run).text.count("类别5") >= 2
    assert '<tr class="gold"><th scope="row" title="类别5"' in page.read_text(encoding="utf-8")

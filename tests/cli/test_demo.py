import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import wenlu.tasks.train
from wenlu.cli import demo
from wenlu.tasks.config import RunConfig

from .conftest import Cli


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The demo with a smaller model, on the first texts of the sample set."""
    real = wenlu.tasks.train.train

    def train(config: RunConfig, out: Path, **rest: Any) -> dict[str, Any]:  # noqa: ANN401
        few = tmp_path_factory.mktemp("few")
        for path in Path(config.data).glob("*.json"):
            rows = path.read_text("utf-8").splitlines(keepends=True)
            (few / path.name).write_text("".join(rows[:100]), "utf-8")
        return real(replace(config, model="scratch-2x128", data=str(few)), out, **rest)

    monkeypatch.setattr(wenlu.tasks.train, "train", train)


@pytest.mark.parametrize("sample", ["intents", "pairs"])
def test_it_trains_measures_predicts_and_says_what_next(
    cli: Cli, tmp_path: Path, sample: str
) -> None:
    out = tmp_path / "demo"
    said = cli("demo", sample, "--epochs", "1", "--out", out)
    assert said.code == 0
    for words in ("Accuracy", "95 % interval", "Macro-F1", "Examples a second", "Time"):
        assert words in said.out
    assert "pretraining made a difference of" in said.out
    assert ("means of three seeds" in said.out) == (sample == "intents")
    for texts in demo._TEXTS[sample]:
        assert f"{' | '.join(texts)}\n    " in said.out
    assert f"\nrun     {out}\nreport  {out / 'report.html'}\n" in said.out
    assert said.out.endswith("wenlu train classify --data my.csv --out runs/my\n")
    assert (out / "report.html").exists()


def test_it_replaces_an_earlier_demo_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    for _ in range(2):
        said = cli("demo", "--epochs", "1", "--out", out, "--json")
        found = json.loads(said.out)
        assert len(found["predictions"]) == 3
        assert found["scores"]["accuracy"] >= 0
    assert (
        "is finished, so it cannot be resumed"
        in cli("demo", "--epochs", "1", "--out", out, "--resume").err
    )
    (tmp_path / "thesis.docx").write_text("mine")
    said = cli("demo", "--epochs", "1", "--out", tmp_path)
    assert said.code == 1
    assert (tmp_path / "thesis.docx").exists()

from pathlib import Path
from typing import Any

import pytest

import wenlu.tasks.train
from wenlu.tasks.config import RunConfig
from wenlu.training import TrainingSettings

from .conftest import Cli

FILE = """task = "classify"
data = "texts"
model = "scratch-2x128"
seed = [1, 2]
max_length = 32
segments = false
epochs = 7
lr = 1e-3
out = "run"
"""


class Called(Exception):  # noqa: N818 - no error, but the way out
    """What the library was called with."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def train(config: RunConfig, out: Path, *, seeds: list[int], **_: Any) -> None:  # noqa: ANN401
        raise Called(config, str(out), seeds)

    monkeypatch.setattr(wenlu.tasks.train, "train", train)
    path = tmp_path / "run.toml"
    path.write_text(FILE, "utf-8")
    return path


def called(cli: Cli, *tokens: str | Path) -> tuple[RunConfig, str, list[int]]:
    with pytest.raises(Called) as caught:
        cli(*tokens)
    return caught.value.args


def test_a_file_says_all_that_flags_say(cli: Cli, file: Path) -> None:
    config, out, seeds = called(cli, "train", "--config", file)
    assert (config.task, config.data, config.model) == ("classify", "texts", "scratch-2x128")
    assert (config.max_length, config.segments) == (32, False)
    assert (config.training.epochs, config.training.lr) == (7, 1e-3)
    assert config.training.batch_rows == TrainingSettings().batch_rows
    assert (out, seeds) == ("run", [1, 2])


@pytest.mark.parametrize(
    "line",
    [
        "match --epochs 2 --seed 5 --segments --out there --config {}",
        "--config {} match --epochs 2 --seed 5 --segments --out there",
        "--out there --config={} --task match --seed=5 --epochs=2 --segments",
    ],
)
def test_flags_override_the_file_wherever_they_stand(cli: Cli, file: Path, line: str) -> None:
    config, out, seeds = called(cli, "train", *line.format(file).split())
    assert (config.task, config.training.epochs, config.segments) == ("match", 2, True)
    assert (out, seeds) == ("there", [5])
    assert (config.max_length, config.training.lr) == (32, 1e-3)  # still the file's


def test_the_configuration_of_a_run_repeats_it(cli: Cli, file: Path) -> None:
    first, *_ = called(cli, "train", "--config", file, "--seed", "3")
    file.write_text(first.toml(), "utf-8")
    assert called(cli, "train", "--config", file, "--out", "again") == (first, "again", [3])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("epoch = 3", "{} has an unknown setting 'epoch'; the closest: epochs"),
        ("[train]\nepochs = 3", "{} has an unknown setting 'train'"),
        ('epochs = "3"', "{}: epochs must be of type int; got '3'"),
        ("seed = []", "{}: seed must be a number or several; got []"),
        ('seed = [1, "x"]', "{}: seed must be of type int; got 'x'"),
        ("out = 3", "{}: out must be of type str; got 3"),
        ("epochs = ", "{} is not TOML: "),
        ("epochs = -3", "epochs must be at least 1; got -3"),
    ],
)
def test_an_error_names_the_file(cli: Cli, file: Path, text: str, problem: str) -> None:
    file.write_text(text, "utf-8")
    said = cli("train", "classify", "--config", file)
    assert said.code == 1
    assert problem.format(file) in said.err


def test_a_file_that_is_not_there(cli: Cli) -> None:
    said = cli("train", "--config", "nowhere.toml")
    assert said == (1, "", "error: cannot read nowhere.toml: No such file or directory\n")


def test_only_training_takes_a_file(cli: Cli, file: Path) -> None:
    assert cli("predict", "run", "好", "--config", file).code == 2

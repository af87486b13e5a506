import re
from pathlib import Path
from typing import Any

import pytest

from wenlu.errors import ConfigError
from wenlu.training.pretraining import MaskingSettings, PretrainingConfig, PretrainingSettings


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    config = PretrainingConfig(
        objective=("mlm", "nsp"),
        corpus=("一.txt", 'a "b".jsonl'),
        heldout=("held.txt",),
        config="shape.toml",
        vocab="vocab.txt",
        seed=7,
        masking=MaskingSettings(mask_rate=0.2, mask_unit="word", whole_words=False),
        training=PretrainingSettings(steps=5, lr=3e-4, schedule="cosine", average=0.5),
    )
    (tmp_path / "config.toml").write_text(config.toml(), "utf-8")
    assert PretrainingConfig.from_toml(tmp_path / "config.toml") == config


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed must be in [0, 2**64); got -1"),
        ({"seed": 2**64}, "seed must be in [0, 2**64); got 18446744073709551616"),
        ({"objective": ()}, "give at least one objective"),
        ({"corpus": ()}, "give at least one corpus"),
    ],
)
def test_what_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        PretrainingConfig(**{"objective": ("mlm",), "corpus": ("a.txt",), **wrong})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stepps = 4", "has an unknown setting 'stepps'; the closest: steps"),
        ("steps = 4.5", "steps must be of type int; got 4.5"),
        ('objective = "mlm"', "objective must be a list of str; got 'mlm'"),
        ("schedule = 3", "schedule must be one of linear, cosine, constant, stable; got 3"),
        ("steps = ", "is not TOML"),
    ],
)
def test_files_with_mistakes(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    others = [] if line.startswith("objective") else ['objective = ["mlm"]']
    path.write_text("\n".join([*others, 'corpus = ["a"]', line]), "utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        PretrainingConfig.from_toml(path)
    assert str(path) in str(caught.value)


def test_a_file_that_lacks_something(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("steps = 4\n")
    with pytest.raises(ConfigError, match="lacks objective, corpus"):
        PretrainingConfig.from_toml(tmp_path / "config.toml")

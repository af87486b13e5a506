import math
from typing import Any, get_args

import pytest

from wenlu.errors import ConfigError
from wenlu.optim import OPTIMIZERS
from wenlu.training import TrainingSettings
from wenlu.training.settings import Optimizer


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"batch_tokens": 0}, "batch_tokens must be at least 1; got 0"),
        ({"batch_rows": -1}, "batch_rows must be at least 1; got -1"),
        ({"gradient_accumulation": 0}, "gradient_accumulation must be at least 1; got 0"),
        ({"log_steps": 0}, "log_steps must be at least 1; got 0"),
        ({"weight_decay": -0.1}, r"weight_decay must be a finite number, not negative; got -0\.1"),
        ({"weight_decay": math.nan}, "weight_decay must be a finite number, not negative; got nan"),
        ({"clip": -1.0}, r"clip must be a finite number, not negative; got -1\.0"),
        ({"patience": -1}, "patience must be a finite number, not negative; got -1"),
        (
            {"checkpoint_minutes": -1.0},
            r"checkpoint_minutes must be a finite number, not negative; got -1\.0",
        ),
        ({"lr": 0.0}, r"lr must be a finite number above 0; got 0\.0"),
        ({"lr": math.nan}, "lr must be a finite number above 0; got nan"),
        (
            {"warmup": 1.5},
            r"warmup is a share of the steps, below 1, or a whole number of steps; got 1\.5",
        ),
        ({"warmup": math.inf}, "warmup must be a finite number, not negative; got inf"),
        ({"layer_decay": 0.0}, r"layer_decay must be in \(0, 1\]; got 0\.0"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingSettings(**wrong)


def test_optimizers_are_those_that_there_are() -> None:
    assert get_args(Optimizer) == tuple(OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "choices"),
    [("schedule", "linear, cosine, constant, stable"), ("precision", "auto, float32, bfloat16")],
)
def test_choices_are_named(name: str, choices: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be one of {choices}; got 'fast'"):
        _unchecked(**{name: "fast"})


def _unchecked(**values: object) -> TrainingSettings:
    """As a configuration file makes them, where nothing checks types."""
    settings = object.__new__(TrainingSettings)
    defaults = TrainingSettings()
    for field in TrainingSettings.__dataclass_fields__:
        object.__setattr__(settings, field, values.get(field, getattr(defaults, field)))
    settings.__post_init__()
    return settings


def test_warmup_is_a_share_or_a_number() -> None:
    assert TrainingSettings(warmup=0.25).warmup_steps(10) == 2
    assert TrainingSettings(warmup=3).warmup_steps(10) == 3
    assert TrainingSettings(warmup=30).warmup_steps(10) == 10
    assert TrainingSettings(warmup=0).warmup_steps(10) == 0

import math
import re
from typing import Any

import pytest

from wenlu.errors import ConfigError
from wenlu.training.pretraining import MaskingSettings, PretrainingSettings

SIGN = "must be a finite number, not negative"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1; got 0"),
        ({"batch_tokens": 0}, "batch_tokens must be at least 1; got 0"),
        ({"gradient_accumulation": 0}, "gradient_accumulation must be at least 1; got 0"),
        ({"evaluate_steps": 0}, "evaluate_steps must be at least 1; got 0"),
        ({"log_steps": -1}, "log_steps must be at least 1; got -1"),
        ({"max_length": 7}, "max_length must be at least 8; got 7"),
        ({"weight_decay": -0.1}, f"weight_decay {SIGN}; got -0.1"),
        ({"weight_decay": math.nan}, f"weight_decay {SIGN}; got nan"),
        ({"clip": -1.0}, f"clip {SIGN}; got -1.0"),
        (
            {"gradient_checkpointing": -1},
            f"gradient_checkpointing {SIGN}; got -1",
        ),
        ({"warmup": -1}, f"warmup {SIGN}; got -1"),
        (
            {"checkpoint_minutes": -1.0},
            f"checkpoint_minutes {SIGN}; got -1.0",
        ),
        (
            {"checkpoint_steps": -1},
            f"checkpoint_steps {SIGN}; got -1",
        ),
        ({"lr": 0.0}, "lr must be a finite number above 0; got 0.0"),
        ({"lr": math.nan}, "lr must be a finite number above 0; got nan"),
        ({"lr": math.inf}, "lr must be a finite number above 0; got inf"),
        ({"decay": 0.0}, "decay is a share of the steps, in (0, 1]; got 0.0"),
        ({"decay": 1.1}, "decay is a share of the steps, in (0, 1]; got 1.1"),
        ({"average": -0.1}, "average is a share of the steps, in [0, 1]; got -0.1"),
        ({"average": 1.5}, "average is a share of the steps, in [0, 1]; got 1.5"),
        ({"dropout": 1.0}, "dropout must be in [0, 1); got 1.0"),
        ({"beta2": 1.0}, "beta2 must be in (0, 1); got 1.0"),
        (
            {"average": 0.5},
            "the weights of the last 50% of the steps cannot be averaged where only the last "
            "25% can be undone to train on; give an average of at most that, or another schedule",
        ),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        PretrainingSettings(**wrong)


def test_long_averages_where_no_run_is_extended() -> None:
    assert PretrainingSettings(average=1.0, schedule="cosine").average == 1.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mask_rate": 0.0}, "mask_rate is a share, in (0, 1); got 0.0"),
        ({"mask_rate": 1.0}, "mask_rate is a share, in (0, 1); got 1.0"),
        ({"mask_unit": "sentence"}, "mask_unit must be one of token, word; got 'sentence'"),
    ],
)
def test_masking_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        _unchecked(MaskingSettings, **wrong)


@pytest.mark.parametrize(
    ("name", "choices"),
    [("schedule", "linear, cosine, constant, stable"), ("precision", "auto, float32, bfloat16")],
)
def test_choices_are_named(name: str, choices: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be one of {choices}; got 'fast'"):
        _unchecked(PretrainingSettings, **{name: "fast"})


def _unchecked(kind: Any, **values: object) -> None:  # noqa: ANN401
    """As a configuration file makes them, where nothing checks types."""
    settings = object.__new__(kind)
    defaults = kind()
    for field in kind.__dataclass_fields__:
        object.__setattr__(settings, field, values.get(field, getattr(defaults, field)))
    settings.__post_init__()

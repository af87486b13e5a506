from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.atomic import atomic_write
from wenlu.errors import ConfigError
from wenlu.tasks import RunConfig
from wenlu.tasks.config import read_toml
from wenlu.training import TrainingSettings

PLAIN = RunConfig(task="tnews", data="CLUE/tnews", model="bert")
positive = st.floats(1e-9, 1e9)
trainings = st.builds(
    TrainingSettings,
    epochs=st.none() | st.integers(1, 10**6),
    lr=st.none() | positive,
    schedule=st.sampled_from(["linear", "cosine", "constant"]),
    warmup=st.floats(0, 1),
    weight_decay=st.floats(0, 1),
    clip=st.floats(0, allow_infinity=False),
    layer_decay=st.floats(0.01, 1),
    precision=st.sampled_from(["auto", "float32", "bfloat16"]),
    checkpoint_minutes=positive,
)
configs = st.builds(
    RunConfig,
    task=st.text(),
    data=st.text(),
    model=st.text(),
    max_length=st.integers(8, 9999),
    pooling=st.text(),
    segments=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
    limit=st.integers(0, 2**63 - 1),
    training=trainings,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=configs)
def test_what_is_written_is_read(config: RunConfig, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with atomic_write(path) as file:
        file.write(config.toml())
    assert RunConfig.from_toml(path) == config


@pytest.mark.parametrize(
    "path", ['C:\\数据\\"新"\n', "a\x00b\x7f\x85\u2028", "emoji 🔥/'''", "[table]\n# 注释"]
)
def test_strange_paths(path: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(replace(PLAIN, data=path).toml(), "utf-8")
    assert RunConfig.from_toml(file).data == path


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "mine has an unknown setting 'epoch'; the closest: epochs"),
        ({"epochs": "3"}, "mine: epochs must be of type int; got '3'"),
        ({"epochs": True}, "mine: epochs must be of type int; got True"),
        ({"epochs": 3.0}, r"mine: epochs must be of type int; got 3\.0"),
        ({"warmup": "0.1"}, r"mine: warmup must be of type float; got '0\.1'"),
        ({"lr": "fast"}, "mine: lr must be of type float; got 'fast'"),
        ({"lr": True}, "mine: lr must be of type float; got True"),
        ({"segments": 1}, "mine: segments must be of type bool; got 1"),
        ({"data": ["a"]}, r"mine: data must be of type str; got \['a'\]"),
        ({"schedule": 1}, "mine: schedule must be one of linear, cosine, constant, stable; got 1"),
        (
            {"precision": "half"},
            "mine: precision must be one of auto, float32, bfloat16; got 'half'",
        ),
        ({"training": {}}, "mine has an unknown setting 'training'"),
        ({"max_length": 7}, "max_length must be at least 8; got 7"),
        ({"limit": -1}, "limit must not be negative; got -1"),
        ({"seed": -1}, "seed must not be negative; got -1"),
    ],
)
def test_wrong_settings(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RunConfig.from_flat({**PLAIN.flat(), **values}, "mine")


def test_missing_settings() -> None:
    with pytest.raises(ConfigError, match="mine lacks task, model"):
        RunConfig.from_flat({"data": "x"}, "mine")


def test_whole_numbers_are_numbers() -> None:
    values = {**PLAIN.flat(), "warmup": 1, "lr": 1}
    assert RunConfig.from_flat(values, "mine").training == TrainingSettings(warmup=1.0, lr=1.0)


def test_files_that_are_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(ConfigError, match=r"cannot read .*config\.toml: No such file"):
        read_toml(path)
    path.write_text("task: tnews")
    with pytest.raises(ConfigError, match=r"config\.toml is not TOML"):
        read_toml(path)
    path.write_bytes("任务 = 1".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"config\.toml is not TOML"):
        read_toml(path)

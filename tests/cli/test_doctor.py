import importlib.metadata
import json

import pytest

from wenlu.cli import doctor
from wenlu.errors import ConfigError
from wenlu.version import __version__

from .conftest import Cli


def test_a_sound_machine(cli: Cli) -> None:
    said = cli("doctor")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("\n  ok ") == len(doctor._CHECKS)
    assert "FAIL" not in said.out
    assert f" {__version__} " in said.out


def test_as_json(cli: Cli) -> None:
    said = cli("doctor", "--json")
    found = json.loads(said.out)
    assert said.code == 0
    assert [check["name"] for check in found["checks"]] == list(doctor._CHECKS)
    assert all(check["ok"] for check in found["checks"])
    assert found["packages"]["torch"] == importlib.metadata.version("torch")
    assert found["free_disk_gb"] > 0


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_what_is_broken_is_said_and_exits_with_1(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    def gone(*_: str) -> None:
        raise ConfigError("no file 'samples' comes with wenlu")

    monkeypatch.setattr("wenlu.assets.asset", gone)
    said = cli("doctor", *flags)
    assert said.code == 1
    assert said.err == "error: broken: bundled files\n"
    if flags:
        assert [c["name"] for c in json.loads(said.out)["checks"] if not c["ok"]] == [
            "bundled files"
        ]
    else:
        assert "FAIL" in said.out
        assert "no file 'samples' comes with wenlu" in " ".join(said.out.split())


def test_a_missing_package(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    version = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "torch" else version(name))
    said = cli("doctor")
    assert said.code == 1
    assert "torch not installed; run: pip install wenlu" in " ".join(said.out.split())


def test_a_missing_extra_is_no_fault(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    version = doctor._version
    monkeypatch.setattr(
        doctor, "_version", lambda name: None if name == "zstandard" else version(name)
    )
    said = cli("doctor")
    assert said.code == 0
    assert "pip install 'wenlu[corpus]'" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        ({"precision": "float32"}, "no bfloat16"),
        ({"threads": 1, "cores": 16}, "OMP_NUM_THREADS"),
        ({"free_disk_gb": 0.5}, "Only 0.5 GB of disk are free"),
    ],
)
def test_advice(facts: dict[str, object], advice: str) -> None:
    [line] = doctor._advice({"free_disk_gb": 50.0, **facts})
    assert advice in line


def test_no_advice_where_none_is_needed() -> None:
    facts = {"free_disk_gb": 50.0, "threads": 4, "cores": 4, "precision": "bfloat16"}
    assert list(doctor._advice(facts)) == []

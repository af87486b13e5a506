import json
from pathlib import Path

from wenlu.models import load_classifier

from .conftest import Cli, leftovers


def test_a_run_becomes_a_folder_that_loads(cli: Cli, trained: Path, tmp_path: Path) -> None:
    said = cli("convert", trained, tmp_path / "hf")
    assert said == (0, f"classifier written to {tmp_path / 'hf'} in the hf layout\n", "")
    assert load_classifier(tmp_path / "hf").task["labels"] == ["天气", "退款"]
    assert leftovers(tmp_path) == []


def test_as_json(cli: Cli, tmp_path: Path) -> None:
    said = cli("convert", "scratch-2x128", tmp_path / "own", "--to", "wenlu", "--json")
    wanted = {"output": str(tmp_path / "own"), "layout": "wenlu", "kind": "model"}
    assert json.loads(said.out) == wanted


def test_a_folder_that_holds_something_is_left_alone(
    cli: Cli, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    said = cli("convert", trained, tmp_path)
    assert said.code == 1
    assert f"{tmp_path} exists already" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_model_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    said = cli("convert", "nowhere", tmp_path / "hf")
    assert said.code == 1
    assert "no model 'nowhere'" in said.err
    assert not (tmp_path / "hf").exists()

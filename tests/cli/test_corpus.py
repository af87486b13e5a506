import json
import os
from pathlib import Path

import pytest

from wenlu.text import Tokenizer

from .conftest import Cli, leftovers, lines
from .test_disk_full import fill_when_placing

ROWS = [{"text": f"今天上海的天气不错，我们用wenlu{number}！"} for number in range(30)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.jsonl"
    path.write_text(lines(ROWS), "utf-8")
    return path


def test_a_vocabulary_that_loads(cli: Cli, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "vocab.txt"
    said = cli("corpus", "vocab", text, "--size", 150, "--out", out)
    assert said.code == 0
    assert said.out.splitlines()[0] == f"150 tokens written to {out}"
    assert "[UNK] is 0.000% of the tokens of the 620 characters that were counted" in said.out
    assert "too few different characters" in said.out
    tokenizer = Tokenizer.from_vocab(out)
    assert len(tokenizer) == 150
    assert tokenizer.unknown_id not in tokenizer.encode(str(ROWS[7]["text"])).ids
    assert leftovers(tmp_path) == []


def test_as_json(cli: Cli, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "vocab.txt"
    said = cli("corpus", "vocab", text, "--size", 112, "--out", out, "--latin", 2, "--json")
    assert said.err == ""
    assert json.loads(said.out) == {
        "output": str(out),
        "size": 112,
        "hanzi": 11,
        "punctuation": 2,
        "signs": 0,
        "latin": 2,
        "unused": 20,
        "documents": 30,
        "characters": 620,
        "unknown_share": 0.0,
    }


def test_cased(cli: Cli, tmp_path: Path) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "vocab.txt"
    text.write_text("Übung Übung\n", "utf-8")
    assert cli("corpus", "vocab", text, "--size", 200, "--out", out, "--cased").code == 0
    assert {"Ü", "U", "##u", "A"} <= set(out.read_text("utf-8").split())
    assert cli("corpus", "vocab", text, "--size", 200, "--out", out).code == 0
    assert {"Ü", "U", "A"}.isdisjoint(out.read_text("utf-8").split())


@pytest.mark.parametrize(
    ("flags", "code", "problem"),
    [
        ("--size 150", 2, "--out requires an argument"),
        ("--out {out}", 2, "--size requires an argument"),
        ("--size 90 --out {out}", 1, "a vocabulary of 90 tokens has no room"),
        ("--size 150 --out {out} --field body", 1, "line 1, field 'body': the row has no such"),
        ("--size 150 --out nowhere/{out}", 1, "there is no folder"),
        ("--size 150 --out {out} --unused -1", 1, "must be 0 or more"),
    ],
)
def test_what_does_not_work(
    cli: Cli, text: Path, tmp_path: Path, flags: str, code: int, problem: str
) -> None:
    out = tmp_path / "vocab.txt"
    said = cli("corpus", "vocab", text, *flags.format(out=out).split())
    assert said.code == code
    assert problem in said.err
    assert not out.exists()


def test_no_text(cli: Cli, tmp_path: Path) -> None:
    said = cli("corpus", "vocab", "--size", 150, "--out", tmp_path / "vocab.txt")
    assert said.code == 2
    assert "give one or more files of text" in said.err


def test_a_full_disk_leaves_what_was_there(
    cli: Cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "vocab.txt"
    out.write_text("earlier\n")
    fill_when_placing(monkeypatch, "vocab.txt")
    said = cli("corpus", "vocab", text, "--size", 150, "--out", out)
    assert said.code == 1
    assert os.strerror(28) in said.err
    assert out.read_text() == "earlier\n"
    assert leftovers(tmp_path) == []

"""`wenlu pretrain`: what is said, what goes wrong, and what is then left."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import tokens
from wenlu.training import state
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.pretraining import MaskingSettings, PretrainingSettings, run
from wenlu.training.state import newest_step

from ..flags import changed
from ..training.pretraining.small import (
    SPECIAL,
    TOKENIZER,
    write_documents,
    write_shape,
    write_vocabulary,
)
from .conftest import Cli, leftovers
from .test_disk_full import FULL, fill_when_placing, stops

Line = list[str | Path]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    write_documents(folder / "text.txt", 40)
    write_documents(folder / "heldout.txt", 10, seed=2)
    write_vocabulary(folder / "vocab.txt")
    write_shape(folder / "shape.toml")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs" / "run"


@pytest.fixture
def line(given: Path, out: Path) -> Line:
    return [
        *("pretrain", "--objective", "mlm", "nsp", "--corpus", given / "text.txt"),
        *("--vocab", given / "vocab.txt", "--config", given / "shape.toml", "--out", out),
        *("--steps", "8", "--batch-tokens", "128", "--max-length", "32", "--warmup", "2"),
        *("--checkpoint-steps", "2", "--log-steps", "1", "--precision", "float32"),
    ]


# What is said.


def test_help_has_every_setting_with_its_sentence_and_default(cli: Cli) -> None:
    words = " ".join(cli("pretrain", "--help").out.replace("│", " ").split())
    for field in (*fields(PretrainingSettings), *fields(MaskingSettings)):
        assert f" --{field.name.replace('_', '-')} " in words
        assert f"[default: {field.default}]" in words
    for sentence in (
        "One or more of mlm, nsp, sop, lm, unilm that can be combined",
        "Resume the run at --out.",
        "--resume continues a run that was stopped in any way",
        "Share of words to predict.",
        "Warm-up: below 1 a share of all steps, otherwise a number of steps.",
    ):
        assert sentence in words


def test_a_run_is_shown_and_its_folder_is_whole(
    cli: Cli, line: Line, given: Path, out: Path
) -> None:
    said = cli(*line, "--heldout", given / "heldout.txt")
    assert said.code == 0
    shown = said.out.splitlines()
    assert shown[0].startswith("corpus: 40 documents, ")
    assert "6,465 parameters, 2 layers of 16" in shown
    for objective in ("mlm", "nsp"):
        place = [row.strip() for row in shown].index(f"{objective} on the held-out text")
        table = [row.split() for row in shown[place + 1 : place + 4]]
        assert table[0] == ["source", "loss", "accuracy", "predicted"]
        assert [row[0] for row in table[1:]] == ["all", "heldout.txt"]
    assert shown[-1] == f"model  {out / 'model'}"
    assert said.err == ""  # no bar: this is no terminal
    assert "\x1b" not in said.out
    assert {path.name for path in out.iterdir()} == {
        *("config.toml", "metrics.jsonl", "result.json", "model", "tokens", "heldout", "stable"),
    }
    assert leftovers(out) == []


def test_json_is_one_document_and_nothing_else(
    cli: Cli, line: Line, given: Path, out: Path
) -> None:
    said = cli(*line, "--heldout", given / "heldout.txt", "--json")
    assert said.code == 0
    assert json.loads(said.out) == json.loads((out / "result.json").read_text("utf-8"))
    assert said.out.count("\n") == 1


def test_an_error_goes_to_stderr_with_json_too(cli: Cli, line: Line) -> None:
    said = cli(*changed(line, "--corpus", "nowhere.txt"), "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: nowhere.txt: ")


def test_several_files_and_the_bundled_vocabulary(
    cli: Cli, line: Line, given: Path, out: Path
) -> None:
    place = line.index("--vocab")
    line = [*line[:place], given / "heldout.txt", *line[place + 2 :]]
    assert cli(*line).code == 0
    summary = json.loads((out / "tokens" / "corpus.json").read_text("utf-8"))
    assert summary["sources"] == ["text.txt", "heldout.txt"]
    assert len((out / "model" / "vocab.txt").read_text("utf-8").splitlines()) == 8000


# What cannot be.


@pytest.fixture
def refused(cli: Cli, line: Line, out: Path) -> Callable[..., str]:
    """What is said, in a line or two; and nothing is in the way of a better try."""

    def refuse(*changes: str | Path) -> str:
        said = cli(*changed(line, *changes))
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) <= 2
        assert not out.exists() or not any(out.iterdir())
        return said.err

    return refuse


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.txt", b"", "a.txt: the file has no text"),
        ("a.txt", b"\n \n\n", "a.txt: the file has no text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "a.txt, line 1: "),
        ("a.txt", "今天喝茶".encode("gb18030"), "iconv -f GB18030 -t UTF-8 "),
        ("a.jsonl", b'{"txt": "a"}\n', "a.jsonl, line 1, field 'text': the row has no such field"),
        ("a.jsonl", b'{"text": "a"\n', "a.jsonl, line 1: not valid JSON"),
        ("a.jsonl", b'{"text": ""}\n', "no document has a single token; is there any text?"),
        ("a.jsonl.gz", b"not packed", "a.jsonl.gz"),
        ("a.pdf", b"%PDF", "files that end in '.pdf' cannot be read as text"),
        ("a.jsonl", '{"text": "今天喝茶。我们睡觉！"}\n'.encode(), "takes its wrong answers from"),
    ],
)
def test_text(
    cli: Cli,
    line: Line,
    tmp_path: Path,
    name: str,
    content: bytes,
    problem: str,
) -> None:
    text = tmp_path / name
    text.write_bytes(content)
    said = cli(*changed(line, "--corpus", text))
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert problem in said.err
    assert len(said.err.splitlines()) <= 2
    assert leftovers(tmp_path) == []
    assert cli(*line, "--overwrite").code == 0  # nothing is in the way of a better try


def test_single_sentences_make_no_pairs(refused_text: Callable[[str], str]) -> None:
    told = refused_text("今天喝茶。\n我们睡觉！\n")
    assert "each document of " in told
    assert "put blank lines between documents" in told


@pytest.fixture
def refused_text(cli: Cli, line: Line, tmp_path: Path) -> Callable[[str], str]:
    def refuse(text: str) -> str:
        (tmp_path / "other.txt").write_text(text, "utf-8")
        said = cli(*changed(line, "--corpus", tmp_path / "other.txt"))
        assert (said.code, len(said.err.splitlines())) == (1, 1)
        return said.err

    return refuse


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("width = 16\nlayers = 2\nheads = 3", "width 16 cannot be shared evenly among 3 heads"),
        (
            'position = "rotary"\nwidth = 18\nlayers = 2\nheads = 2',
            "rotary positions turn pairs; key_size 9 is odd",
        ),
        (
            "width = 16\nlayers = 2\nheads = 2\ndepth = 3",
            "has no field 'depth'; the closest are width",
        ),
        ("width = 16\nlayers = 2", "lacks heads"),
        ("width: 16", "is not TOML"),
        ('width = "16"', "width must be a whole number; got '16'"),
    ],
)
def test_a_shape(refused: Callable[..., str], tmp_path: Path, text: str, problem: str) -> None:
    shape = tmp_path / "shape.toml"
    shape.write_text(f"inner_width = 32\n{text}\n")
    told = refused("--config", shape)
    assert problem in told
    assert str(shape) in told


@pytest.mark.parametrize("missing", ["[CLS]", "[MASK]"])
def test_a_vocabulary(refused: Callable[..., str], tmp_path: Path, missing: str) -> None:
    some = [token for token in TOKENIZER.vocabulary if token != missing]
    path = write_vocabulary(tmp_path / "vocab.txt", some)
    told = refused("--vocab", path)
    assert str(path) in told
    assert missing in told


def test_a_vocabulary_that_the_tokens_were_not_made_with(
    cli: Cli, line: Line, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert cli(*changed(line, "--out", tmp_path / "other")).code == 0
    other = write_vocabulary(tmp_path / "vocab.txt", [*SPECIAL, "的"])
    told = refused("--corpus", tmp_path / "other" / "tokens", "--vocab", other)
    assert "was made with another vocabulary" in told


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (("--objective", "lm"), "lm and nsp cannot be trained together"),
        (("--objective", "mml"), "no objective 'mml'; the closest are mlm"),
        (("--config", "scratch-4x321"), "no shape 'scratch-4x321'"),
        (("--model", "nowhere"), "brings its own vocabulary"),
        (("--max-length", "65"), "max_length 65 is more than the 64 positions of"),
        (("--mask-rate", "0"), "mask_rate is a share, in (0, 1); got 0.0"),
        (("--steps", "0"), "steps must be at least 1; got 0"),
        (("--lr", "nan"), "lr must be a finite number above 0; got nan"),
        (("--seed", "-1"), "seed must be in [0, 2**64); got -1"),
        (("--average", "0.5"), "the weights of the last 50% of the steps cannot be averaged"),
        (("--out", "{file}/run"), "cannot make the folder "),
    ],
)
def test_settings(
    refused: Callable[..., str], given: Path, changes: tuple[str, ...], problem: str
) -> None:
    assert problem in refused(*(x.format(file=given / "text.txt") for x in changes))


def test_wrong_usage(cli: Cli, line: Line) -> None:
    for more, problem in (
        (["--stepps", "3"], "Unknown option: --stepps"),
        (["--optimizer", "adam"], '"adamw", "sgdm", "adafactor"'),
        (["--schedule", "linaer"], '"linear", "cosine", "constant", "stable"'),
        (["--mask-unit", "letter"], '"token", "word"'),
    ):
        said = cli(*line, *more)
        assert said.code == 2
        assert said.err.startswith("Usage: wenlu pretrain ")
        assert problem in said.err
    assert "--corpus" in cli("pretrain", "--objective", "mlm", "--out", "x").err


def test_fewer_documents_than_workers(
    cli: Cli, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "cores", lambda: 16)
    text = write_documents(tmp_path / "text.txt", 3)
    said = cli(*changed(line, "--corpus", text))
    assert said.code == 0
    assert said.out.startswith("corpus: 3 documents, ")


# Folders and going on.


def test_a_folder_that_exists(cli: Cli, line: Line, out: Path) -> None:
    assert cli(*line).code == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    said = cli(*line)
    remedy = "--resume resumes it, --overwrite replaces it, or give another --out"
    assert said == (1, "", f"error: {out} exists already; {remedy}\n")
    said = cli(*line, "--resume")
    assert said.code == 1
    assert "is finished; give more --steps to train on, or --overwrite" in said.err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    said = cli(*changed(line, "--steps", "16"), "--resume")
    assert said.code == 0
    assert "resuming after step 6\n" in said.out
    assert cli(*line, "--overwrite").code == 0


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_a_folder_that_is_no_run_is_left_alone(cli: Cli, line: Line, out: Path, flag: str) -> None:
    out.mkdir()
    (out / "thesis.docx").write_text("mine")
    said = cli(*line, flag)
    assert said.code == 1
    assert f"error: {out} exists already and is not a run folder, so it is left alone" in said.err
    assert [path.name for path in out.iterdir()] == ["thesis.docx"]


def test_a_checkpoint_of_another_shape(
    cli: Cli, line: Line, given: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file has the same name."""
    shape = tmp_path / "shape.toml"
    shutil.copy(given / "shape.toml", shape)
    line = changed(line, "--config", shape)
    end_after(monkeypatch, 5)
    assert cli(*line).code == 130
    shape.write_text(shape.read_text().replace("layers = 2", "layers = 3"))
    said = cli(*line, "--resume")
    assert said.code == 1
    assert f"error: {out} was started with other data, another model or other settings" in said.err
    shape.write_text(shape.read_text().replace("layers = 3", "layers = 2"))
    assert cli(*line, "--resume").code == 0


def test_other_settings(cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_after(monkeypatch, 5)
    assert cli(*line).code == 130
    said = cli(*changed(line, "--lr", "0.5"), "--resume")
    assert said.code == 1
    assert (
        f"error: {out} was started with other settings; it cannot be resumed: lr was 0.001 and"
        in (said.err)
    )


def end_after(monkeypatch: pytest.MonkeyPatch, updates: int, *signals: int) -> None:
    """Press Ctrl-C after so many updates; once only."""
    left = updates

    class Interrupted(run.ProgressBar):
        def advance(self, text: str, rate: float, by: int = 1, unit: str = "texts") -> None:
            nonlocal left
            super().advance(text, rate, by, unit)
            left -= text.startswith("loss")
            if left == 0:
                for number in signals or (signal.SIGINT,):
                    os.kill(os.getpid(), number)

    monkeypatch.setattr(run, "ProgressBar", Interrupted)


@pytest.mark.parametrize(
    ("signals", "kept"),
    [((signal.SIGINT,), 5), ((signal.SIGTERM,), 5), ((signal.SIGINT, signal.SIGINT), 4)],
)
def test_ctrl_c(
    cli: Cli,
    line: Line,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    signals: tuple[int, ...],
    kept: int,
) -> None:
    """The first finishes the step and saves; the second is at once."""
    with monkeypatch.context() as patch:
        end_after(patch, 5, *signals)
        said = cli(*line)
    ended = signals[-1] == signal.SIGTERM
    assert said.code == (143 if ended else 130)
    told = f"stopped; to resume {out}, give the same command with --resume\n"
    assert said.err == told + ("stopped by SIGTERM\n" if ended else "interrupted\n")
    assert newest_step(out / "checkpoint") == kept
    said = cli(*line, "--resume")
    assert said.code == 0
    assert f"resuming after step {kept}\n" in said.out


def test_ctrl_c_while_cutting_text(
    cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **named: Any) -> None:  # noqa: ANN401, ARG001
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tokens._Writer, "finish", interrupted)
        assert cli(*line) == (130, "", "interrupted\n")
    assert leftovers(out) == []
    assert cli(*line).code == 0


# A full disk.


def test_no_room_for_tokens(
    cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:  # noqa: ANN401, ARG001
        raise FULL

    for place in ("in the middle", "at the end"):
        with monkeypatch.context() as patch:
            if place == "at the end":
                fill_when_placing(patch, "tokens")
            else:
                patch.setattr(tokens._GrowingArray, "add", full)
            told = stops(cli, *line)
        assert f"error: cannot write {out / 'tokens'}: " in told
        assert not out.exists()
    assert cli(*line).code == 0


@pytest.mark.parametrize("name", ["step-*", "model", "result.json", "config.toml"])
def test_no_room_for_what_a_run_writes(
    cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as full:
        fill_when_placing(full, name)
        told = stops(cli, *line)
    assert f"to resume {out}, give the same command with --resume" in told
    assert leftovers(out) == []
    assert not (out / "result.json").exists()
    assert cli(*line, "--resume").code == 0
    assert (out / "result.json").exists()
    assert not (out / "checkpoint").exists()


def test_no_room_for_the_next_checkpoint(
    cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before is intact, and is gone on with."""
    real, left = state.save_file, 6  # two files a state: in the third

    def full(tensors: Any, path: Path) -> None:  # noqa: ANN401
        nonlocal left
        left -= 1
        if left == 0:
            path.write_bytes(b"\0" * 100)
            raise FULL
        real(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(state, "save_file", full)
        told = stops(cli, *line)
    assert "give the same command with --resume" in told
    assert newest_step(out / "checkpoint") == 4
    assert leftovers(out) == []
    said = cli(*line, "--resume")
    assert said.code == 0
    assert "resuming after step 4\n" in said.out


def test_no_room_for_the_log(cli: Cli, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: MetricsLog, **values: Any) -> None:  # noqa: ANN401, ARG001
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(MetricsLog, "write", full)
        told = stops(cli, *line)
    assert "give the same command with --resume" in told
    assert cli(*line, "--resume").code == 0


def test_no_room_to_go_back(
    cli: Cli, line: Line, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finished run that was to become longer stays finished."""
    assert cli(*line).code == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    def full(*given: Any, **named: Any) -> None:  # noqa: ANN401, ARG001
        raise shutil.Error([("a", "b", str(FULL))])

    more = changed(line, "--steps", "16")
    with monkeypatch.context() as patch:
        patch.setattr(run.shutil, "copytree", full)
        told = stops(cli, *more, "--resume")
    assert "Nothing was changed" in told
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert after == before
    assert cli(*more, "--resume").code == 0

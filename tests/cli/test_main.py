import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wenlu.tasks.train
from wenlu.cli import catalogue
from wenlu.cli.main import _COMMANDS, main, run
from wenlu.terminal import Terminal
from wenlu.training.metrics_log import MetricsLog
from wenlu.version import __version__

from ..flags import changed
from .conftest import SMALL, Cli, leftovers


def test_help_names_every_command_and_the_exit_codes(cli: Cli) -> None:
    said = cli("--help")
    assert said.code == 0
    assert all(f" {name.split()[0]} " in said.out for name in _COMMANDS)
    assert "130 interrupted" in said.out
    assert said == cli()  # nothing at all asks for help too
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize("name", _COMMANDS)
def test_help_of_a_command_has_its_usage_and_its_docstring(cli: Cli, name: str) -> None:
    said = cli(*name.split(), "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: wenlu {name} {_COMMANDS[name].usage}\n")
    assert "--json" in said.out
    assert "--no-json" not in said.out


def test_examples_keep_their_lines(cli: Cli) -> None:
    assert (
        "\n    wenlu train match --data pairs/ --out runs/pairs\n"
        "    wenlu train --config runs/tnews/config.toml --out runs/again\n"
    ) in cli("train", "--help").out


def test_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"{__version__}\n", "")


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys, wenlu; from wenlu.cli.main import run, _COMMANDS\n"
        "codes = [run([*name, '--help']) for name in ([], *(n.split() for n in _COMMANDS))]\n"
        "assert not any(codes), codes\n"
        "heavy = {'torch', 'numpy', 'scipy', 'tokenizers', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("trian", 'Did you mean "train"?'),
        ("train", "--task requires an argument"),
        ("corpus vocub", 'Unknown command "vocub". Did you mean "vocab"?'),
        ("corpus vocab", "--size requires an argument"),
        ("train classify --data x", "--out requires an argument"),
        ("train classify --data x --out y --epoch 3", "Unknown option: --epoch. Did you mean"),
        ("train classify --data x --out y --epochs three", 'convert "three" into int'),
        ("train classify --data x --out y --schedule linaer", '"linear", "cosine", "constant"'),
        ("train classify extra --data x --out y", "extra"),
        ("predict", "--run requires an argument"),
        ("predict run", "give either texts or --input FILE"),
        ("predict run 好 --input x.jsonl", "give either texts or --input FILE"),
        ("predict run 好 --output x.jsonl", "--output needs --input FILE"),
        ("evaluate run --split tset", '"train", "dev", "test"'),
        ("demo songs", '"intents", "pairs"'),
        ("tasks extra", "extra"),
    ],
)
def test_wrong_usage_shows_the_usage_and_exits_with_2(cli: Cli, line: str, problem: str) -> None:
    said = cli(*line.split())
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("Usage: wenlu ")
    assert problem in said.err.splitlines()[1]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ("--epochs -1", "epochs must be at least 1; got -1"),
        ("--batch-rows 0", "batch_rows must be at least 1; got 0"),
        ("--lr -0.1", "lr must be a finite number above 0; got -0.1"),
        ("--lr nan", "lr must be a finite number above 0; got nan"),
        ("--warmup 1.5", "or a whole number of steps; got 1.5"),
        ("--limit -3", "limit must not be negative; got -3"),
        ("--seed -1", "seed must not be negative; got -1"),
        ("--seed 1 2 1", "seeds must differ; got 1 2 1"),
        ("--max-length 4", "max_length must be at least 8; got 4"),
        ("--max-length 9999", "max_length 9999 is more than the 512 positions"),
        ("--pooling maen", "no pooling 'maen'; the closest are mean, max"),
        ("--model scratch-4x321", "no model 'scratch-4x321': "),
    ],
)
def test_a_setting_that_cannot_work_exits_with_1(
    cli: Cli, data: Path, flags: str, problem: str
) -> None:
    out = data.parent / "run"
    rest = {"--epochs": "1", "--max-length": "32", "--model": "scratch-2x128"}
    rest.pop(flags.split()[0], None)
    said = cli(
        "train", "classify", "--data", data, "--out", out, *flags.split(), *sum(rest.items(), ())
    )
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert problem in said.err
    assert not out.exists()


def test_an_unknown_task_is_answered_with_the_closest(cli: Cli) -> None:
    said = cli("train", "clasify", "--data", "x", "--out", "y")
    assert said.code == 1
    assert said.err.startswith("error: no task 'clasify'; the closest are classify, ")


def test_debug_shows_where_an_error_came_from() -> None:
    line = [sys.executable, "-m", "wenlu", "train", "--config", "nowhere.toml", "--debug"]
    said = subprocess.run(line, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "Traceback" in said.stderr
    assert "ConfigError: cannot read nowhere.toml" in said.stderr
    with pytest.raises(Exception, match="no run nowhere"):
        run(["evaluate", "nowhere", "--debug"])


def test_after_two_dashes_debug_is_a_text_like_any(cli: Cli, trained: Path) -> None:
    assert cli("predict", trained, "--", "--debug", "-5度").out.startswith("--debug\n    ")


def test_ctrl_c_exits_with_130(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(wenlu.tasks.train, "train", stop)
    line = ("train", "classify", "--data", "x", "--out", tmp_path / "run", *SMALL)
    assert cli(*line) == (130, "", "interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has another Ctrl-C")
def test_ctrl_c_in_training_says_how_to_go_on(
    cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, many = data.parent / "run", changed(SMALL, "--epochs", "1000")
    real = MetricsLog.write

    def write(log: MetricsLog, **values: Any) -> None:  # noqa: ANN401
        real(log, **values)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(MetricsLog, "write", write)
        said = cli("train", "classify", "--data", data, "--out", out, *many)
    assert said.code == 130
    assert said.err.startswith("epoch 1: ")
    assert f"to resume {out}, give the same command with --resume\n" in said.err
    assert said.err.endswith("interrupted\n")
    assert "Traceback" not in said.err
    assert list((out / "checkpoint").iterdir())
    assert leftovers(out) == []


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_reader_that_has_gone_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Closing the file writes what is left, as Python does when it ends: nothing is raised again.
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(catalogue, "people", Terminal())  # which keeps what it could not write
        with pytest.raises(SystemExit) as end:
            main(["tasks", *flags])
    assert end.value.code == 1
    assert capsys.readouterr().err == ""


def test_output_in_another_encoding_is_escaped_and_json_stays_json() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code = "from wenlu.cli.main import main; main({!r})"
    for tokens in (["--help"], ["train", "--help"]):
        line = [sys.executable, "-c", code.format(tokens)]
        said = subprocess.run(line, capture_output=True, env=environment, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")
        assert said.stdout.isascii()
    code = "from wenlu.cli.output import print_json; print_json({'label': '天气'})"
    line = [sys.executable, "-c", code]
    said = subprocess.run(line, capture_output=True, env=environment, text=True, check=True)
    assert json.loads(said.stdout) == {"label": "天气"}


def test_main_exits_with_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["trian"])
    assert end.value.code == 2
    assert capsys.readouterr().out == ""


def test_an_error_of_the_system_is_a_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "runs/x")

    monkeypatch.setattr(wenlu.tasks.train, "train", fail)
    said = cli("train", "classify", "--data", "x", "--out", "y")
    assert said == (1, "", "error: runs/x: Permission denied\n")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--epochs", "1.7"), "--epochs must be a whole number; got 1.7"),
        (("--seed", "1", "2.9"), "--seed must be a whole number; got 2.9"),
        (("--max-length", "8.5"), "--max-length must be a whole number; got 8.5"),
        (("--max-length", "0"), "max_length must be at least 8; got 0"),
        (("--lr", "inf"), "lr must be a finite number above 0; got inf"),
        (("--clip", "inf"), "clip must be a finite number, not negative; got inf"),
        (("--seed", str(2**63)), f"seed must be below 2^63; got {2**63}"),
    ],
)
def test_numbers_that_make_no_sense(
    flags: tuple[str, ...], message: str, cli: Cli, tmp_path: Path
) -> None:
    said = cli("train", "intents", "--data", tmp_path, "--out", tmp_path / "run", *flags)
    assert said.code in (1, 2)
    assert said.err.splitlines()[-1] == f"error: {message}"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_stream_that_is_closed_leads_nowhere(closed: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("好\n" * 3)
    command = f'"$1" -m wenlu corpus shuffle a.txt - --out b.txt {closed}'
    ran = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)
    assert (tmp_path / "b.txt").read_text() == "好\n" * 3

"""Several processes: the same pretraining, up to the rounding of sums."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from wenlu.corpus import TokenCorpus
from wenlu.models import FAMILIES, Model, save

from ...flags import changed
from .small import TOKENIZER
from .test_run import assert_same, result
from .toy import metrics

Attempt = Callable[..., list[int]]
KILLED = -signal.SIGKILL
ADVANCE = "wenlu.training.progress_bar:ProgressBar.advance"


@pytest.fixture(scope="module")
def flags(folder: Path, corpus: TokenCorpus, heldout: TokenCorpus) -> list[str]:
    """A learning rate at which rounding does not grow into something else."""
    tokens = str(corpus.folder)
    return [
        *("pretrain", "--objective", "mlm", "nsp", "--corpus", tokens),
        *("--heldout", str(heldout.folder), "--config", str(folder / "shape.toml")),
        *("--vocab", str(folder / "vocab.txt"), "--steps", "12", "--batch-tokens", "128"),
        *("--max-length", "32", "--lr", "0.001", "--warmup", "2", "--precision", "float32"),
        *("--log-steps", "1", "--evaluate-steps", "5", "--checkpoint-steps", "4"),
        *("--average", "0.2", "--dropout", "0.1", "--gradient-accumulation", "4"),
    ]


@pytest.fixture(scope="module")
def one(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process that works off all four batches of an update."""
    out = tmp_path_factory.mktemp("one") / "run"
    log = out.with_name("log")
    assert attempt([*flags, "--out", str(out)], log) == [0], log.read_text()
    return out


@pytest.fixture(scope="module")
def two(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two that share them."""
    out = tmp_path_factory.mktemp("two") / "run"
    log = out.with_name("log")
    assert attempt([*flags, "--out", str(out)], log, processes=2) == [0, 0], log.read_text()
    return out


def assert_close(run: Path, whole: Path) -> None:
    ours, theirs = (load_file(out / "model" / "model.safetensors") for out in (run, whole))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-5, rtol=1e-4, msg=name)
    assert len(metrics(run)) == len(metrics(whole)) == 14
    for mine, other in zip(metrics(run), metrics(whole), strict=True):
        assert mine == pytest.approx(other, abs=1e-4)
    for key in ("steps", "tokens", "epochs", "fingerprint"):
        assert result(run)[key] == result(whole)[key], key


def test_two_come_to_what_one_comes_to(one: Path, two: Path) -> None:
    assert_close(two, one)
    assert result(two)["processes"] == 2


@pytest.mark.slow
def test_torchrun_goes_on_where_processes_were_killed(
    attempt: Attempt, flags: list[str], two: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*flags, "--out", str(run)]
    codes = attempt(command, log, processes=2, trap=(ADVANCE, 7, "kill before"))
    # Whoever outlives the first process does not hang.
    assert codes[0] == KILLED
    assert codes[1] != 0
    again = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "wenlu", *command, "--resume", "--json"),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )
    assert again.returncode == 0, again.stderr
    assert_same(run, two)
    assert json.loads(again.stdout) == result(run)  # one process speaks


@pytest.mark.slow
def test_one_may_take_over_from_two(
    attempt: Attempt, flags: list[str], two: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*flags, "--out", str(run)]
    attempt(command, log, processes=2, trap=(ADVANCE, 7, "kill before"))
    assert attempt([*command, "--resume"], log) == [0], log.read_text()
    assert_close(run, two)


@pytest.mark.slow
def test_but_not_where_the_optimizer_accumulates(
    attempt: Attempt, flags: list[str], tmp_path: Path
) -> None:
    """Then two processes take up two batches at once, and one takes up each."""
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*changed(flags, "--optimizer", "accumulating-adam"), "--out", str(run)]
    attempt(command, log, processes=2, trap=(ADVANCE, 7, "kill before"))
    assert attempt([*command, "--resume"], log) == [1]
    assert "it cannot be resumed with these" in log.read_text()
    assert attempt([*command, "--resume"], log, processes=2) == [0, 0], log.read_text()
    assert result(run)["steps"] == 12


@pytest.mark.slow
def test_as_many_batches_an_update_however_they_are_taken_up(
    attempt: Attempt, flags: list[str], two: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    inside = changed(flags, "--optimizer", "accumulating-sgdm")
    for count in (1, 2):
        command = [*inside, "--out", str(tmp_path / str(count))]
        assert attempt(command, log, processes=count) == [0] * count, log.read_text()
        assert result(tmp_path / str(count))["tokens"] == result(two)["tokens"]


def test_heads_that_nobody_trains(attempt: Attempt, flags: list[str], tmp_path: Path) -> None:
    """The processes do not wait for their gradients."""
    torch.manual_seed(1)
    shape = FAMILIES["bert"](vocabulary=len(TOKENIZER), width=16, layers=1, heads=2, max_length=40)
    given = save(tmp_path / "given", Model(shape, ("pooler", "mlm", "nsp")), TOKENIZER)
    place = flags.index("--vocab")
    command = [*flags[:place], *flags[place + 2 :], "--model", str(given)]
    command.remove("nsp")
    run, log = tmp_path / "run", tmp_path / "log"
    codes = attempt([*command, "--out", str(run)], log, processes=2)
    assert codes == [0, 0], log.read_text()


def test_errors_are_in_plain_words(
    attempt: Attempt, flags: list[str], two: Path, tmp_path: Path
) -> None:
    log, run = tmp_path / "log", tmp_path / "run"
    three = changed(flags, "--gradient-accumulation", "3")
    assert attempt([*three, "--out", str(run)], log, processes=2) == [1, 1]
    assert attempt([*flags, "--out", str(two)], log, processes=2) == [1, 1]
    assert not run.exists()
    assert set(log.read_text().splitlines()) == {
        "error: gradient_accumulation must be a multiple of the number of processes, 2; got 3",
        f"error: {two} exists already; --resume resumes it, --overwrite replaces it, or give "
        "another --out",
    }

"""Several processes: the same training, up to the rounding of sums."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ..flags import changed
from .small import assert_same_run, metrics, result

Attempt = Callable[..., list[int]]
KILLED = -signal.SIGKILL
ADVANCE = "wenlu.training.progress_bar:ProgressBar.advance"


def assert_close_runs(run: Path, whole: Path) -> None:
    ours, theirs = (load_file(r / "model" / "model.safetensors") for r in (run, whole))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-5, rtol=1e-5, msg=name)
    for one, other in zip(metrics(run), metrics(whole), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    for key in ("best_epoch", "epochs", "steps", "fingerprint"):
        assert result(run)[key] == result(whole)[key]


@pytest.fixture(scope="module")
def slowly(flags: list[str]) -> list[str]:
    """A learning rate at which rounding does not grow into something else."""
    return changed(flags, "--lr", "0.0005", "--batch-rows", "4")


@pytest.fixture(scope="module")
def in_pieces(
    attempt: Attempt, slowly: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One process that works every batch off in two pieces."""
    folder = tmp_path_factory.mktemp("pieces")
    log = folder / "log"
    codes = attempt([*slowly, "--gradient-accumulation", "2", "--out", str(folder / "run")], log)
    assert codes == [0], log.read_text()
    return folder / "run"


@pytest.fixture(scope="module")
def two(attempt: Attempt, slowly: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes, undisturbed."""
    folder = tmp_path_factory.mktemp("two")
    log = folder / "log"
    codes = attempt([*slowly, "--out", str(folder / "run")], log, processes=2)
    assert codes == [0, 0], log.read_text()
    return folder / "run"


def torchrun(tokens: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "wenlu", *tokens),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )


def assert_it_goes_on(command: list[str], run: Path, two: Path, in_pieces: Path) -> None:
    again = torchrun([*command, "--resume"])
    out, err = again.communicate(timeout=600)
    assert again.returncode == 0, err
    assert_same_run(run, two)
    assert_close_runs(run, in_pieces)
    assert result(run)["processes"] == 2
    # One process speaks, and nothing else does.
    assert out.count(f"report  {run / 'report.html'}\n") == 1
    assert out.count("resuming after step ") == 1
    told = [line for line in err.splitlines() if not line.startswith("epoch ")]
    assert told == []


@pytest.mark.slow
def test_torchrun(
    attempt: Attempt, slowly: list[str], in_pieces: Path, two: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*slowly, "--out", str(run)]
    codes = attempt(
        command, log, processes=2, trap=("wenlu.training.state:save_file", 13, "kill before")
    )
    # Whoever outlives the first process does not hang.
    assert codes[0] == KILLED
    assert codes[1] == 1
    last = log.read_text().splitlines()[-1]
    assert last.startswith("error: contact to another process was lost; ")
    assert_it_goes_on(command, run, two, in_pieces)


@pytest.mark.slow
def test_torchrun_ended_from_outside(
    slowly: list[str], in_pieces: Path, two: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [*slowly, "--out", str(run)]
    for _ in range(9):
        running = torchrun([*command, "--overwrite"])
        end = time.monotonic() + 300
        while not any((run / "checkpoint").glob("step-*")):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.002)
        running.terminate()  # it ends its processes the same way, at once
        running.communicate()
        if not (run / "result.json").exists():  # else they were faster
            break
    assert_it_goes_on(command, run, two, in_pieces)


def test_the_same_as_in_pieces(two: Path, in_pieces: Path) -> None:
    assert_close_runs(two, in_pieces)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("wenlu.training.state:save_file", 13),
        ("wenlu.tasks.train:Evaluator.measure", 2),
        ("wenlu.tasks.train:write_result", 1),
    ],
)
def test_the_first_process_killed(
    place: str, call: int, attempt: Attempt, slowly: list[str], two: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*slowly, "--out", str(run)]
    codes = attempt(command, log, processes=2, trap=(place, call, "kill before"))
    assert codes[0] == KILLED
    assert codes[1] != 0
    assert attempt([*command, "--resume"], log, processes=2) == [0, 0], log.read_text()
    assert_same_run(run, two)


@pytest.mark.slow
def test_another_number_of_processes_with_as_many_pieces(
    attempt: Attempt, slowly: list[str], two: Path, tmp_path: Path
) -> None:
    """It may take over, and comes to the same up to rounding; with other pieces it may not."""
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*slowly, "--out", str(run)]
    attempt(command, log, processes=2, trap=(ADVANCE, 14, "kill before"))
    assert attempt([*command, "--resume"], log) == [1]
    assert "the number of processes changed" in log.read_text()
    assert attempt([*command, "--resume", "--gradient-accumulation", "2"], log) == [0], (
        log.read_text()
    )
    assert_close_runs(run, two)


def test_batches_with_fewer_rows_than_pieces(
    attempt: Attempt, slowly: list[str], tmp_path: Path
) -> None:
    few = changed(
        slowly,
        "--batch-rows",
        "3",
        "--limit",
        "10",
        "--epochs",
        "2",
        "--gradient-accumulation",
        "4",
    )
    log = tmp_path / "log"
    for name, processes in (("one", 1), ("two", 2)):
        codes = attempt([*few, "--out", str(tmp_path / name)], log, processes=processes)
        assert codes == [0] * processes, log.read_text()
    assert_close_runs(tmp_path / "two", tmp_path / "one")


def test_frozen_layers_and_one_json_document(
    attempt: Attempt, slowly: list[str], tmp_path: Path
) -> None:
    """Processes exchange the gradients of those that learn, and wait for no others."""
    frozen = changed(slowly, "--freeze", "2", "--epochs", "1", "--gradient-accumulation", "2")
    for name, processes in (("one", 1), ("two", 2)):
        log = tmp_path / f"{name}.log"
        command = [*frozen, "--out", str(tmp_path / name), "--json"]
        codes = attempt(command, log, processes=processes)
        assert codes == [0] * processes, log.read_text()
        told = [line for line in log.read_text().splitlines() if not line.startswith("epoch ")]
        assert len(told) == 1
        assert json.loads(told[0]) == result(tmp_path / name)
    assert_close_runs(tmp_path / "two", tmp_path / "one")


def test_errors_are_in_plain_words(
    attempt: Attempt, slowly: list[str], two: Path, tmp_path: Path
) -> None:
    log, run = tmp_path / "log", tmp_path / "run"
    assert attempt(
        [*slowly, "--gradient-accumulation", "3", "--out", str(run)], log, processes=2
    ) == [1, 1]
    assert attempt([*slowly, "--out", str(two)], log, processes=2) == [1, 1]
    assert not run.exists()
    assert set(log.read_text().splitlines()) == {
        "error: gradient_accumulation must be a multiple of the number of processes, 2; got 3",
        f"error: {two} exists already; --resume resumes it, --overwrite replaces it, or give "
        "another --out",
    }

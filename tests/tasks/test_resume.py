"""Killed anywhere, a run goes on to the very bytes that it would have come to."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wenlu.corpus import write_jsonl

from ..flags import changed
from ..kills import INTERRUPTED, KILLED, Attempt, kill_at_random, killed_and_resumed
from .small import assert_same_run, result, rows

STATE, TRAIN = "wenlu.training.state:", "wenlu.tasks.train:"
FILE, FOLDER = "kill half-way through the file", "kill half-way through the folder"


# save_file writes the model and the optimizer of a state in two calls, and the best weights in a
# third where they have become better. There are 15 states: one after every third of the 36 updates,
# and one after each epoch of 12, each of which is better than the last: 33 calls.
MOMENTS = [
    (f"{STATE}save_file", 12, "kill after"),
    (f"{STATE}save_file", 13, FILE),
    (f"{STATE}shutil.rmtree", 4, FOLDER),
    ("wenlu.training.metrics_log:MetricsLog.write", 13, "kill after"),
    (f"{TRAIN}Evaluator.measure", 2, "kill after"),
    (f"{TRAIN}write_result", 1, "kill before"),
]
MORE_MOMENTS = [
    ("wenlu.models.load:write_huggingface", 1, "kill after"),
    (f"{STATE}save_file", 1, FILE),
    (f"{STATE}save_file", 5, FILE),
    (f"{STATE}save_file", 31, FILE),
    (f"{STATE}save_file", 33, "kill after"),
    (f"{STATE}shutil.rmtree", 2, FOLDER),
    (f"{STATE}shutil.rmtree", 14, FOLDER),
    ("wenlu.training.metrics_log:MetricsLog.write", 7, "kill after"),
    (f"{TRAIN}Evaluator.measure", 1, "kill before"),
    (f"{TRAIN}Evaluator.measure", 3, "kill after"),
    (f"{TRAIN}atomic_write", 1, "kill before"),
    (f"{TRAIN}write_predictions", 1, "kill after"),
    (f"{TRAIN}_write_model", 1, "kill after"),
]


@pytest.mark.parametrize(
    "trap",
    [*MOMENTS, *(pytest.param(moment, marks=pytest.mark.slow) for moment in MORE_MOMENTS)],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]} {trap[1]}",
)
def test_killed_at(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    assert_same_run(killed_and_resumed(attempt, flags, tmp_path, trap), whole)


@pytest.mark.parametrize(
    "trap",
    [
        (f"{TRAIN}write_report", 1, "kill before"),
        (f"{TRAIN}remove", 1, "kill before"),
        (f"{STATE}shutil.rmtree", 15, FOLDER),
    ],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]}",
)
def test_killed_when_the_result_stood(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    assert attempt([*flags, "--out", str(run)], log, trap=trap) == [KILLED], log.read_text()
    assert result(run)["scores"] == result(whole)["scores"]
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [1]
    assert f"error: {run} is finished, so it cannot be resumed" in log.read_text()
    assert_same_run(run, whole)


def kill_at_times(
    attempt: Attempt, flags: list[str], whole: Path, folder: Path, kills: int, seed: int
) -> None:
    kill_at_random(
        attempt,
        flags,
        folder,
        lambda run: assert_same_run(run, whole),
        seconds=(0.1, 0.7),
        kills=kills,
        seed=seed,
    )


def test_killed_at_random(attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path) -> None:
    kill_at_times(attempt, flags, whole, tmp_path, kills=2, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_killed_at_random_many_times(
    seed: int, attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    kill_at_times(attempt, flags, whole, tmp_path, kills=25, seed=seed)


class Program:
    """`python -m wenlu` as people start it."""

    def __init__(self, tokens: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wenlu", *tokens],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def until(self, reached: Callable[[], bool]) -> "Program":
        end = time.monotonic() + 60
        while not reached():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.002)
        return self

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


def test_the_program_itself(
    attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    """kill -9 and Ctrl-C from outside, in one run."""
    run = tmp_path / "run"
    tokens = [*flags, "--out", str(run)]

    def lines() -> int:
        path = run / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    killed = Program(tokens).until(lambda: lines() >= 8)
    assert killed.end(signal.SIGKILL)[0] == KILLED
    before = lines()
    code, out, err = (
        Program([*tokens, "--resume"]).until(lambda: lines() > before).end(signal.SIGINT)
    )
    assert code == INTERRUPTED, err
    assert f"stopped; to resume {run}, give the same command with --resume" in err
    assert "Traceback" not in err
    assert "resuming after step " in out
    log = tmp_path / "log"
    assert attempt([*tokens, "--resume"], log) == [0], log.read_text()
    assert_same_run(run, whole)


# Ctrl-C


@pytest.mark.parametrize(
    "trap",
    [
        ("wenlu.training.progress_bar:ProgressBar.advance", 12),
        pytest.param((f"{TRAIN}Evaluator.measure", 1), marks=pytest.mark.slow),
        (f"{TRAIN}Evaluator.measure", 3),
        pytest.param((f"{STATE}save_file", 4), marks=pytest.mark.slow),
    ],
    ids=lambda trap: f"{trap[0].split(':')[1]} {trap[1]}",
)
def test_interrupted(
    trap: tuple[str, int], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*flags, "--out", str(run)]
    assert attempt(command, log, trap=(*trap, "interrupt")) == [INTERRUPTED], log.read_text()
    told = log.read_text()
    assert f"stopped; to resume {run}, give the same command with --resume" in told
    assert "Traceback" not in told
    assert attempt([*command, "--resume"], log) == [0], log.read_text()
    assert_same_run(run, whole)


def test_the_first_interrupt_saves_and_the_second_is_at_once(
    attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    place = "wenlu.training.progress_bar:ProgressBar.advance"
    updates = {}
    for what in ("interrupt", "interrupt twice"):
        run, log = tmp_path / what, tmp_path / "log"
        assert attempt([*flags, "--out", str(run)], log, trap=(place, 5, what)) == [INTERRUPTED]
        (state,) = (run / "checkpoint").iterdir()
        progress = json.loads((state / "state.json").read_text())["progress"]
        updates[what] = progress["step"]
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [0], log.read_text()
    assert_same_run(run, whole)
    assert updates == {"interrupt": 5, "interrupt twice": 3}


# What cannot be gone on with


@pytest.fixture(scope="module")
def killed(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed after its fifth update."""
    folder = tmp_path_factory.mktemp("killed")
    log = folder / "log"
    trap = ("wenlu.training.progress_bar:ProgressBar.advance", 5, "kill before")
    codes = attempt([*flags, "--out", str(folder / "run")], log, trap=trap)
    assert codes == [KILLED], log.read_text()
    return folder / "run"


@pytest.fixture
def begun(killed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(killed, tmp_path / "run"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (["--seed", "2", "--epochs", "4"], "seed was 1 and is now 2; epochs was 3 and is now 4"),
        (
            ["--lr", "0.01", "--clip", "2"],
            "lr was 0.02 and is now 0.01; clip was 1.0 and is now 2.0",
        ),
        (["--pooling", "mean"], "pooling was 'first' and is now 'mean'"),
        (
            ["--limit", "60", "--max-length", "9"],
            "max_length was 32 and is now 9; limit was 0 and is now 60",
        ),
    ],
)
def test_other_settings_are_refused(
    change: list[str], what: str, begun: Path, attempt: Attempt, flags: list[str]
) -> None:
    log = begun.with_name("refused")
    assert attempt([*changed(flags, *change), "--out", str(begun), "--resume"], log) == [1]
    assert (
        f"error: {begun} was started with other settings; it cannot be resumed: {what}. "
        "Give the settings it was started with, or another --out\n"
    ) in log.read_text()


def test_a_refusal_spoils_nothing(
    begun: Path, attempt: Attempt, flags: list[str], whole: Path
) -> None:
    log = begun.with_name("log")
    other = changed(flags, "--epochs", "4")
    assert attempt([*other, "--out", str(begun), "--resume"], log) == [1]
    assert attempt([*flags, "--out", str(begun), "--resume"], log) == [0], log.read_text()
    assert_same_run(begun, whole)


def test_other_data_are_refused(
    begun: Path, attempt: Attempt, flags: list[str], texts: Path
) -> None:
    log, other = begun.with_name("refused"), begun.with_name("data")
    shutil.copytree(texts, other)
    moved = [*changed(flags, "--data", str(other)), "--out", str(begun), "--resume"]
    write_jsonl(other / "train.jsonl", [*rows(89, 1), {"text": "换了", "label": "音乐"}])
    assert attempt(moved, log) == [1]
    assert f"data was {str(texts)!r} and is now {str(other)!r}" in log.read_text()
    # The same data in another place are the same data.
    shutil.copy(texts / "train.jsonl", other / "train.jsonl")
    assert attempt(moved, log) == [0], log.read_text()


def test_a_model_that_changed_is_refused(
    begun: Path, attempt: Attempt, flags: list[str], whole: Path, small_model: Path
) -> None:
    kept = begun.with_name("kept")
    shutil.copytree(small_model, kept)
    log = begun.with_name("refused")
    try:
        shutil.copy(whole / "model" / "model.safetensors", small_model)
        code = attempt([*flags, "--out", str(begun), "--resume"], log)
    finally:
        shutil.copy(kept / "model.safetensors", small_model)
    assert code == [1]
    told = log.read_text()
    assert "was started with other settings" in told or "has no tensor" in told


def test_how_often_to_write_may_change(
    begun: Path, attempt: Attempt, flags: list[str], whole: Path
) -> None:
    log = begun.with_name("log")
    change = ["--checkpoint-steps", "4", "--checkpoint-minutes", "0.5"]
    assert attempt([*changed(flags, *change), "--out", str(begun), "--resume"], log) == [0], (
        log.read_text()
    )
    model = Path("model") / "model.safetensors"
    assert (begun / model).read_bytes() == (whole / model).read_bytes()


def test_a_finished_run_is_left_alone(attempt: Attempt, flags: list[str], whole: Path) -> None:
    log = whole.with_name("refused")
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    assert attempt([*flags, "--out", str(whole), "--resume"], log) == [1]
    assert f"error: {whole} is finished, so it cannot be resumed" in log.read_text()
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_nothing_to_go_on_with_is_a_new_start(
    attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [0], log.read_text()
    assert f"there is no run at {run} yet: starting a new one\n" in log.read_text()
    assert_same_run(run, whole)


def test_another_folder_is_left_alone(attempt: Attempt, flags: list[str], tmp_path: Path) -> None:
    log, notes = tmp_path / "log", tmp_path / "folder" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    for flag in ("--resume", "--overwrite"):
        assert attempt([*flags, "--out", str(notes.parent), flag], log) == [1]
    told = log.read_text()
    refused = f"error: {notes.parent} exists already and is not a run folder, so it is left alone"
    assert told.count(refused) == 2
    assert [path.name for path in notes.parent.iterdir()] == ["notes.txt"]


def test_overwriting_waits_until_the_new_run_can_begin(
    attempt: Attempt, flags: list[str], begun: Path, tmp_path: Path
) -> None:
    log = tmp_path / "refused"
    wrong = changed(flags, "--data", str(tmp_path / "nothing"))
    assert attempt([*wrong, "--out", str(begun), "--overwrite"], log) == [1]
    assert "there is no such file or folder" in log.read_text()
    assert (begun / "config.toml").exists()


# Several seeds


@pytest.fixture(scope="module")
def seeds(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    log = folder / "log"
    command = [*flags, "--seed", "1", "2", "--out", str(folder / "run")]
    assert attempt(command, log) == [0], log.read_text()
    return folder / "run"


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param(
            ("wenlu.training.progress_bar:ProgressBar.advance", 50, "kill before"),
            marks=pytest.mark.slow,
        ),
        (f"{TRAIN}write_result", 1, "kill after"),
        pytest.param((f"{TRAIN}write_result", 3, "kill before"), marks=pytest.mark.slow),
    ],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]} {trap[1]}",
)
def test_finished_seeds_are_kept(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], seeds: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    command = [*flags, "--seed", "1", "2", "--out", str(run)]
    assert attempt(command, log, trap=trap) == [KILLED], log.read_text()
    finished = {path: path.stat().st_mtime_ns for path in run.glob("seed-*/result.json")}
    assert finished
    assert attempt([*command, "--resume"], log) == [0], log.read_text()
    for path, when in finished.items():
        assert path.stat().st_mtime_ns == when
        assert f"{path.parent} is finished\n" in log.read_text()
    for seed in (1, 2):
        assert_same_run(run / f"seed-{seed}", seeds / f"seed-{seed}")
    assert result(run)["scores"] == result(seeds)["scores"]
    for one, other in zip(result(run)["runs"], result(seeds)["runs"], strict=True):
        assert (one["seed"], one["scores"]) == (other["seed"], other["scores"])
    assert (run / "report.html").exists()


def test_seeds_that_were_begun_otherwise(
    attempt: Attempt, flags: list[str], seeds: Path, begun: Path, tmp_path: Path
) -> None:
    log, run = tmp_path / "refused", tmp_path / "seeds"
    assert attempt([*flags, "--seed", "1", "2", "--out", str(seeds), "--resume"], log) == [1]
    assert f"{seeds} is finished, so it cannot be resumed" in log.read_text()
    shutil.copytree(seeds, run)
    (run / "result.json").unlink()
    other = changed(flags, "--epochs", "4")
    command = [*other, "--seed", "1", "2", "--out", str(run), "--resume"]
    assert attempt(command, log) == [1]
    assert f"{run / 'seed-1'} was started with other settings" in log.read_text()
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [1]
    assert f"{run} holds runs with several seeds" in log.read_text()
    assert attempt([*flags, "--seed", "1", "2", "--out", str(begun), "--resume"], log) == [1]
    assert f"{begun} holds one run" in log.read_text()

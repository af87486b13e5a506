"""Killed anywhere, a pretraining goes on to the very bytes that it would have come to."""

import random
import shutil
from pathlib import Path

import pytest

from wenlu.corpus import TokenCorpus

from ...flags import changed
from ...kills import INTERRUPTED, KILLED, Attempt, kill_at_random, killed_and_resumed
from .test_run import assert_same

STATE, RUN = "wenlu.training.state:", "wenlu.training.pretraining.run:"
ADVANCE = "wenlu.training.progress_bar:ProgressBar.advance"
UPDATE = "wenlu.training.loop:take_step"
FILE, FOLDER = "kill half-way through the file", "kill half-way through the folder"


def command(corpus: Path, heldout: Path, folder: Path) -> list[str]:
    """24 updates of three batches each, taken up by the optimizer."""
    return [
        *("pretrain", "--objective", "mlm", "nsp", "--corpus", str(corpus)),
        *("--heldout", str(heldout), "--config", str(folder / "shape.toml")),
        *("--vocab", str(folder / "vocab.txt"), "--steps", "24", "--batch-tokens", "128"),
        *("--max-length", "32", "--lr", "0.01", "--warmup", "4", "--precision", "float32"),
        *("--log-steps", "1", "--evaluate-steps", "10", "--checkpoint-steps", "5"),
        *("--average", "0.2", "--dropout", "0.1"),
        *("--gradient-accumulation", "3", "--optimizer", "accumulating-adam"),
    ]


@pytest.fixture(scope="module")
def flags(folder: Path, corpus: TokenCorpus, heldout: TokenCorpus) -> list[str]:
    return command(corpus.folder, heldout.folder, folder)


@pytest.fixture(scope="module")
def from_text(folder: Path) -> list[str]:
    return command(folder / "text.txt", folder / "heldout.jsonl", folder)


def undisturbed(attempt: Attempt, flags: list[str], folder: Path) -> Path:
    log = folder / "log"
    assert attempt([*flags, "--out", str(folder / "run")], log) == [0], log.read_text()
    return folder / "run"


@pytest.fixture(scope="module")
def whole(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    return undisturbed(attempt, flags, tmp_path_factory.mktemp("whole"))


# States of two files after updates 5, 10, 15 and 18, which is kept, and of three after 20 and 24.
MOMENTS = [
    (UPDATE, 50, "kill after"),  # in the middle of an update
    (f"{STATE}save_file", 8, FILE),
]
MORE_MOMENTS = [
    (f"{RUN}atomic_write", 1, "kill before"),
    (UPDATE, 1, "kill before"),
    (UPDATE, 47, "kill after"),
    (UPDATE, 72, "kill after"),
    (f"{STATE}save_file", 1, FILE),
    (f"{STATE}save_file", 4, FILE),
    (f"{STATE}save_file", 8, "kill after"),
    (f"{STATE}save_file", 10, FILE),
    (f"{STATE}save_file", 11, FILE),
    (f"{STATE}save_file", 14, FILE),
    (f"{STATE}shutil.rmtree", 1, FOLDER),
    (f"{STATE}shutil.rmtree", 3, FOLDER),
    ("wenlu.training.metrics_log:MetricsLog.write", 13, "kill after"),
    (f"{RUN}evaluate", 1, "kill before"),
    (f"{RUN}evaluate", 2, "kill after"),
    (f"{RUN}evaluate", 3, "kill after"),
    (f"{RUN}save", 1, "kill after"),
    (f"{RUN}_write_model", 1, "kill after"),
    (f"{RUN}atomic_write", 2, "kill before"),
]


@pytest.mark.parametrize(
    "trap",
    [*MOMENTS, *(pytest.param(moment, marks=pytest.mark.slow) for moment in MORE_MOMENTS)],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]} {trap[1]}",
)
def test_killed_at(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    assert_same(killed_and_resumed(attempt, flags, tmp_path, trap), whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "trap",
    [
        ("wenlu.corpus.tokens:_Writer.add", 1, "kill before"),
        (f"{RUN}write_tokens", 1, "kill after"),
        ("wenlu.corpus.tokens:_Writer.finish", 2, "kill after"),
        (f"{RUN}write_tokens", 2, "kill after"),
    ],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]} {trap[1]}",
)
def test_killed_while_cutting_text(
    trap: tuple[str, int, str],
    attempt: Attempt,
    from_text: list[str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    run = killed_and_resumed(attempt, from_text, tmp_path, trap)
    assert_same(run, undisturbed(attempt, from_text, tmp_path_factory.mktemp("whole")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "trap",
    [
        (f"{RUN}remove", 1, "kill before"),
        (f"{RUN}remove", 1, "kill after"),
    ],
    ids=lambda trap: trap[2],
)
def test_killed_when_the_result_stood(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    assert attempt([*flags, "--out", str(run)], log, trap=trap) == [KILLED], log.read_text()
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [1]
    assert f"error: {run} is finished; give more --steps to train on" in log.read_text()
    assert_same(run, whole)


def kill_at_times(
    attempt: Attempt, flags: list[str], whole: Path, folder: Path, kills: int, seed: int
) -> None:
    kill_at_random(
        attempt,
        flags,
        folder,
        lambda run: assert_same(run, whole),
        seconds=(0.2, 1.5),
        kills=kills,
        seed=seed,
    )


def test_killed_at_random(attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path) -> None:
    kill_at_times(attempt, flags, whole, tmp_path, kills=2, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_killed_at_random_many_times(
    seed: int, attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    kill_at_times(attempt, flags, whole, tmp_path, kills=15, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_while_it_is_made_longer(
    seed: int, attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    more = changed(flags, "--steps", "40")
    assert attempt([*more, "--out", str(tmp_path / "forty")], log) == [0], log.read_text()
    moments = random.Random(seed)
    for number in range(8):
        run = tmp_path / str(number)
        shutil.copytree(whole, run)
        command = [*more, "--out", str(run), "--resume"]
        while not (run / "result.json").exists() or attempt(command, log) != [1]:
            attempt(command, log, after=moments.uniform(0.2, 1.5))
        assert_same(run, tmp_path / "forty")


@pytest.mark.parametrize(
    "trap",
    [
        (ADVANCE, 12, "interrupt"),
        pytest.param((ADVANCE, 12, "interrupt twice"), marks=pytest.mark.slow),
        pytest.param((f"{RUN}evaluate", 1, "interrupt"), marks=pytest.mark.slow),
        pytest.param((f"{RUN}save", 1, "interrupt"), marks=pytest.mark.slow),
    ],
    ids=lambda trap: f"{trap[2]} {trap[0].split(':')[1]} {trap[1]}",
)
def test_interrupted(
    trap: tuple[str, int, str], attempt: Attempt, flags: list[str], whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    assert attempt([*flags, "--out", str(run)], log, trap=trap) == [INTERRUPTED], log.read_text()
    told = log.read_text()
    assert f"stopped; to resume {run}, give the same command with --resume" in told
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [0], log.read_text()
    assert_same(run, whole)

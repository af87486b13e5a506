"""The whole benchmark: every task of CLUE trained, measured and submitted.

Each task has a run folder of its own, so what is finished stays finished: called again with the
same settings, the benchmark goes on where it was stopped.
"""

import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

from wenlu.atomic import atomic_write, sweep_leftovers
from wenlu.errors import ConfigError, DataError, RunError, closest
from wenlu.models import load
from wenlu.tasks.clue.published import TASKS
from wenlu.tasks.config import RunConfig
from wenlu.tasks.examples import find_split
from wenlu.tasks.registry import task_named
from wenlu.tasks.result import read_result
from wenlu.tasks.run import Run
from wenlu.tasks.splits import read_all, read_splits
from wenlu.tasks.task import Task
from wenlu.tasks.train import train
from wenlu.training.batching import FEWEST_EPOCHS
from wenlu.training.settings import TrainingSettings
from wenlu.training.toml import flat, read_toml, to_toml

FOLDERS = {
    "wsc": ("cluewsc2020", "CLUEWSC2020", "cluewsc"),
    "cluener": ("cluener2020", "CLUENER2020"),
    "cmrc2018": ("CMRC2018", "cmrc"),
    "c3": ("C3",),
    "chid": ("chid/clue_layout", "ChID", "CHID"),
}
"""What the folders of tasks are called besides the task's own name."""

SHARES = {"wsc": 3.0, "chid": 0.5}
"""How much longer or shorter than the others these are trained ("bert4keras in hand, baseline I
have: CLUE benchmark code": 10 epochs, 30 for WSC, 5 for ChID)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClueConfig:
    """A pass through the benchmark."""

    data: str
    """Folder that holds a folder for each task."""
    model: str
    """A name from `wenlu models`, a folder, or owner/name on the Hugging Face hub."""
    tasks: tuple[str, ...] = TASKS
    """Those to train, of the eleven."""
    seeds: tuple[int, ...] = (1,)
    """Each task is trained once with each."""
    max_length: int | None = None
    """Tokens of an input at most; by default what each task says."""
    limit: int = 0
    """Use only the first so many training examples of each; 0 for all."""
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ConfigError(f"no tasks given; there are {', '.join(TASKS)}")
        for name in self.tasks:
            if name not in TASKS:
                near = closest(name, TASKS)
                raise ConfigError(f"{name!r} is no task of CLUE; the closest are {near}")
        if len(set(self.tasks)) < len(self.tasks):
            raise ConfigError(f"tasks must differ; got {', '.join(self.tasks)}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds must differ; got {' '.join(map(str, self.seeds))}")
        for name, seed in product(self.tasks, self.seeds):
            replace(self.run(name, Path(self.data)), seed=seed)  # raises what is wrong with it

    def run(self, task: str, data: Path) -> RunConfig:
        """How one task is trained."""
        epochs, longest = self.training.epochs, self.max_length
        if task in SHARES:
            epochs = max(1, round(SHARES[task] * (epochs or FEWEST_EPOCHS)))
        return RunConfig(
            task=task,
            data=str(data),
            model=self.model,
            max_length=task_named(task).max_length if longest is None else longest,
            seed=self.seeds[0],
            limit=self.limit,
            training=replace(self.training, epochs=epochs),
        )


Say = Callable[[str], None]


def run_clue(
    config: ClueConfig, out: str | PathLike[str], *, say: Say | None = None
) -> dict[str, Any]:
    """Train, measure and hand in the tasks of CLUE, one after the other.

    All of their files are read before the first is trained.

    Args:
        config: what to do.
        out: folder for the runs. If it was started with the same configuration, what is finished
            there is left alone, and what was stopped goes on.
        say: called with lines for people to read.

    Returns:
        "tasks": for each its scores or why there are none; "missing": what a full submission
        lacks; "archive": the file to hand in, if there is anything in it.

    Raises:
        WenluError: bad settings, model or data, or a folder that is something else; if nothing
            was trained yet, nothing is left behind.
    """
    out, tell = Path(out), say or (lambda _: None)
    root = Path(config.data)
    if not root.is_dir():
        raise DataError("there is no such folder; it must hold a folder a task", file=root)
    data = {name: _training_data(root, name) for name in config.tasks}
    if not any(isinstance(folder, Path) for folder in data.values()):
        raise DataError(
            "nothing to train on: there must be a folder with a training file for at least one of "
            + ", ".join(config.tasks),
            file=config.data,
        )
    _check_folder(out, config)
    _check_start(config, data, out, tell)
    _begin(out, config)
    try:
        found = {
            name: _one_task(config, name, data[name], out / name, tell) for name in config.tasks
        }
    finally:
        if not _is_begun(out):
            _undo_begin(out)
    files, missing = _hand_in(config, out, tell)
    archive = None
    if files:
        archive = out / "submission.zip"
        _pack(files, archive)
    return {
        "model": config.model,
        "tasks": found,
        "missing": missing,
        "archive": None if archive is None else str(archive),
    }


def task_folder(root: Path, name: str) -> Path | None:
    """The folder of a task, under one of the names that it goes by."""
    for folder in (*FOLDERS.get(name, ()), name):
        if (root / folder).is_dir():
            return root / folder
    return None


def _training_data(root: Path, name: str) -> Path | str:
    """The folder to train a task on, or why it cannot be trained."""
    folder = task_folder(root, name)
    if folder is None:
        return f"no folder for it in {root}"
    if not find_split(folder, task_named(name).train_files):
        return f"{folder} has no training file"
    return folder


def _check_folder(out: Path, config: ClueConfig) -> None:
    """Make sure that the folder is new, or was begun in the same way."""
    file = out / "clue.toml"
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not file.is_file():
        raise RunError(f"{out} exists already and holds something else; give another --out")
    if not _is_begun(out):
        return
    then, now = read_toml(file), flat(config)
    changed = [
        f"{key} was {then.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted({*then, *now} - {"tasks"})
        if _plain(then.get(key)) != _plain(now.get(key))
    ]
    if changed:
        raise RunError(
            f"{out} was started with other settings: {'; '.join(changed)}. Give those, "
            "or another --out"
        )


def _check_start(config: ClueConfig, data: Mapping[str, Path | str], out: Path, tell: Say) -> None:
    """Load the model and read all files once, so that what is wrong with them is known now."""
    waiting = {
        name: config.run(name, folder)
        for name, folder in data.items()
        if isinstance(folder, Path) and not _is_trained(out, name)
    }
    if not waiting:
        return
    longest = load(config.model).model.config.max_length
    for name, run in waiting.items():
        if run.max_length > longest:
            raise ConfigError(
                f"max_length {run.max_length} of {name} is more than the {longest} positions of "
                f"the model {config.model}; give at most that"
            )
    tell(f"reading the files of {', '.join(waiting)}")
    for run in waiting.values():
        read_splits(run)
    for name in TASKS:
        if name in waiting or _is_trained(out, name):
            for test in _tests(config, name).values():
                read_all(task_named(name), [test], labelled=False)


def _begin(out: Path, config: ClueConfig) -> None:
    """Make the folder; `_check_folder` has allowed it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {out}: {error.strerror}") from None
    sweep_leftovers(out)
    with atomic_write(out / "clue.toml") as written:
        written.write(to_toml(flat(config)))


def _undo_begin(out: Path) -> None:
    """Remove the folder again, in which nothing else stands."""
    (out / "clue.toml").unlink(missing_ok=True)
    with suppress(OSError):
        out.rmdir()


def _is_begun(out: Path) -> bool:
    """Whether the training of any task was begun there."""
    return any((out / name).exists() for name in TASKS)


def _is_trained(out: Path, name: str) -> bool:
    return (out / name / "result.json").exists()


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _one_task(
    config: ClueConfig, name: str, data: Path | str, out: Path, tell: Say
) -> dict[str, Any]:
    """The scores of a task, trained unless that is done already; or why there are none."""
    tell(f"[{config.tasks.index(name) + 1}/{len(config.tasks)}] {name}")
    if isinstance(data, str):
        tell(f"skipped: {data}")
        return {"skipped": data}
    if (out / "result.json").exists():
        result = read_result(out)
        tell("finished already")
    else:
        begun = out.exists()
        command = f"wenlu train {name} --data {data} --model {config.model} --out {out}"
        seeds = list(config.seeds)
        run = config.run(name, data)
        result = train(
            run,
            out,
            seeds=seeds,
            resume=begun,
            say=tell,
            command=command,
            again="give the same command again",
        )
    main = str(result["main_metric"])
    tell(f"{name}: {main.replace('_', ' ')} {100 * result['scores'][main]:.2f}")
    return {
        "main_metric": main,
        "scores": result["scores"],
        "seconds": result["seconds"],
        "train": result["splits"]["train"]["rows"],
        "dev": result["splits"]["dev"]["rows"],
    }


def _hand_in(config: ClueConfig, out: Path, tell: Say) -> tuple[list[Path], list[str]]:
    """Write the upload files of all tasks that are trained; what is missing for a full set."""
    folder, written, missing = out / "submission", [], []
    folder.mkdir(exist_ok=True)
    sweep_leftovers(folder)
    for name in TASKS:
        task, tests = task_named(name), _tests(config, name)
        trained = _is_trained(out, name)
        if not trained or not tests:
            why = "not trained" if not trained else "no test file"
            missing.append(f"{task.submission_file} ({why})")
            continue
        run = None
        for upload, test in tests.items():
            target = folder / upload
            if not _is_current(target, task, test, out / name / "result.json"):
                run = run or Run(out / name)
                run.submit(test, target)
                tell(f"written and checked: {target}")
            written.append(target)
    return written, missing


def _is_current(target: Path, task: Task, test: Path, result: Path) -> bool:
    """Whether the answers stand there, are no older than test set and model, and pass the check."""
    made_of = max(path.stat().st_mtime_ns for path in (test, result))
    if not target.exists() or target.stat().st_mtime_ns < made_of:
        return False
    examples = read_all(task, [test], labelled=False)
    try:
        task.check_submission(target, examples)
    except ValueError:  # a DataError, or bytes that are no text
        return False
    return True


def _tests(config: ClueConfig, name: str) -> dict[str, Path]:
    """The upload files of a task, each with the test file that it answers."""
    task, data = task_named(name), task_folder(Path(config.data), name)
    found: dict[str, Path] = {}
    if data is None:
        return found
    for stem in task.test_files:
        for path in find_split(data, (stem,)):
            found.setdefault(upload_name(task.submission_file, path), path)
    return found


def upload_name(submission_file: str, test: Path) -> str:
    """What the answers to a test file are called: CLUE 1.1 has second test sets."""
    return submission_file.replace("10_", "11_") if "1.1" in test.name else submission_file


def _pack(files: Sequence[Path], archive: Path) -> None:
    with (
        atomic_write(archive, "wb") as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for file in sorted(files):
            # A fixed date: the same answers make the same archive.
            with packed.open(zipfile.ZipInfo(file.name), "w") as member, file.open("rb") as source:
                shutil.copyfileobj(source, member)

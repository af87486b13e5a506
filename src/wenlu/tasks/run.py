"""Using a finished run: predict, evaluate, hand in."""

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

from wenlu.errors import CheckpointError, DataError, RunError
from wenlu.models import load_trained
from wenlu.tasks.config import RunConfig
from wenlu.tasks.evaluator import with_intervals
from wenlu.tasks.examples import Example, need_split
from wenlu.tasks.predicting import predict_rows
from wenlu.tasks.registry import task_named
from wenlu.tasks.result import read_result
from wenlu.tasks.splits import read_all
from wenlu.tasks.task import Task

_CHUNK = 20_000
"""Texts that are encoded and sorted by length together: memory stays bounded."""


Advance = Callable[[int, int], None]
"""Called with how many of how many texts are done."""


class Run:
    """A trained model with its task.

    Args:
        folder: a run folder, or the model folder inside one.
        precision: as in `TrainingSettings`; by default that of the run's configuration.
    """

    def __init__(self, folder: str | PathLike[str], *, precision: str | None = None) -> None:
        self.folder = _one_run(Path(folder))
        model = self.folder / "model"
        model = model if model.is_dir() else self.folder
        self.module, self.tokenizer, saved = load_trained(
            model, lambda built, pooling, saved: _task(saved, model).build(built, pooling=pooling)
        )
        self.task = _task(saved, model)
        config = self.folder / "config.toml"
        self.config = RunConfig.from_toml(config) if config.exists() else None
        self.precision = precision or (self.config.training.precision if self.config else "auto")
        self._shape = {"max_length": saved["max_length"], "segments": saved["segments"]}

    def predict(
        self,
        texts: Sequence[str | tuple[str, ...]],
        *,
        advance: Advance | None = None,
    ) -> list[Any]:
        """What the model says of texts (or pairs and the like), in their order.

        Raises:
            DataError: a pair came where the task takes one text, or the other way round.
        """
        return self.predict_examples(self.typed(texts), advance=advance)

    def typed(self, texts: Sequence[str | tuple[str, ...]]) -> list[Example[Any]]:
        """Examples from texts, or tuples of them, as the task takes them.

        Raises:
            DataError: a pair came where the task takes one text, or the other way round.
        """
        wanted = len(self.task.text_fields)
        rows = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
        for index, row in enumerate(rows):
            if len(row) != wanted:
                raise DataError(
                    f"text {index} has {len(row)} parts; {self.task.name} takes "
                    f"{wanted} ({', '.join(self.task.text_fields)})"
                )
            for text in row:
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise DataError(
                        f"text {index}, {text!r}, holds half a character at index {error.start} "
                        "(bytes that are not UTF-8?); remove it"
                    ) from None
        return self.task.typed(rows)

    def predict_examples(
        self, examples: Sequence[Example[Any]], *, advance: Advance | None = None
    ) -> list[Any]:
        """As `predict`, of examples as `Task.read` gives them."""
        found: list[Any] = []
        for start, end in pairwise(_chunks(examples)):
            chunk = examples[start:end]
            encoded = self.task.encode(chunk, self.tokenizer, **self._shape)
            rows, done = len(encoded.data.lengths), 0

            def count(
                more: int, start: int = start, size: int = len(chunk), rows: int = rows
            ) -> None:
                nonlocal done
                done += more
                if advance is not None:
                    advance(start + round(size * done / max(1, rows)), len(examples))

            count(0)
            found += predict_rows(
                self.task, self.module, chunk, encoded, precision=self.precision, advance=count
            )
        return found

    def evaluate(
        self,
        data: str | PathLike[str] | None = None,
        *,
        split: str = "dev",
        advance: Advance | None = None,
    ) -> dict[str, Any]:
        """Scores on a labelled split of `data` (by default, the data of the run).

        Returns:
            "scores" with their 95 % intervals, "main_metric", "examples" and "file".
        """
        paths = self.split_files(data, split)
        examples = read_all(self.task, paths)
        predictions = self.predict_examples(examples, advance=advance)
        scores = with_intervals(self.task.score(examples, predictions))
        return {
            "task": self.task.name,
            "main_metric": self.task.main_metric,
            "file": " + ".join(map(str, paths)),
            "examples": len(examples),
            "scores": scores,
        }

    def submit(
        self,
        data: str | PathLike[str] | None = None,
        out: str | PathLike[str] | None = None,
        *,
        advance: Advance | None = None,
    ) -> Path:
        """Write the benchmark's upload file for the test split, and check it against that split."""
        paths = self.split_files(data, "test")
        examples = read_all(self.task, paths, labelled=False)
        target = Path(out) if out is not None else Path(self.task.submission_file)
        if target.is_dir():
            target = target / self.task.submission_file
        predictions = self.predict_examples(examples, advance=advance)
        self.task.submission(examples, predictions, target)
        self.task.check_submission(target, examples)
        return target

    def split_files(self, data: str | PathLike[str] | None, split: str) -> list[Path]:
        """The files of that split in `data`, which is a folder or the file itself."""
        stems = {
            "train": self.task.train_files,
            "dev": self.task.dev_files,
            "test": self.task.test_files,
        }
        if split not in stems:
            raise DataError(f"no split {split!r}; there are train, dev and test")
        if data is None:
            if self.config is None:
                raise RunError(f"{self.folder} does not say which data it was made of; give --data")
            data = self.config.data
            if not Path(data).exists():
                raise RunError(
                    f"{data}, which {self.folder} was made of, is not to be found from here; say "
                    "where it is: --data"
                )
            if not Path(data).is_dir():
                raise RunError(
                    f"this run was made of one file, {data}, a part of which was held out as dev; "
                    "its scores stand in result.json. Give --data with other texts"
                )
        path = Path(data)
        if path.is_file():
            return [path]
        return need_split(path, stems[split], split)


def _chunks(examples: Sequence[Example[Any]]) -> list[int]:
    """Where chunks begin and end; those of one group that follow each other stay together."""
    ends = [0]
    while (end := ends[-1]) < len(examples):
        end = min(end + _CHUNK, len(examples))
        while end < len(examples) and examples[end].group == examples[end - 1].group:
            end += 1
        ends.append(end)
    return ends


def _task(saved: Mapping[str, Any], folder: Path) -> Task:
    """The task that a model was trained for, as it was then."""
    try:
        operator.index(saved["max_length"]), bool(saved["segments"])
        return task_named(saved["task"]).restored(saved)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} does not say of its task what this version of wenlu needs ({error!r}): "
            "another version wrote it, or it was changed. Use that version, or train again"
        ) from error


def _one_run(folder: Path) -> Path:
    """The run folder itself; of several seeds, the best one's."""
    if (folder / "model").is_dir():
        return folder
    if (folder / "result.json").exists():
        best = read_result(folder).get("best_run")
        folder = folder if best is None else folder / str(best)
        if not (folder / "model").is_dir():
            raise CheckpointError(f"{folder} has no folder called model; was it removed?")
        return folder
    if (folder / "config.toml").exists() or any(folder.glob("seed-*/config.toml")):
        read_result(folder)  # raises: the run is not finished
    if folder.is_file():
        raise CheckpointError(f"no run {folder}: it is a file, and a run is a folder")
    if not folder.is_dir():
        raise CheckpointError(f"no run {folder}: there is no such folder")
    return folder

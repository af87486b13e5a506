"""Using a finished run: predict, evaluate, hand in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wenlu.errors import CheckpointError, DataError, RunError
from wenlu.models import load_classifier
from wenlu.tasks.classification import Classification, Prediction
from wenlu.tasks.config import RunConfig
from wenlu.tasks.examples import Example, need_split
from wenlu.tasks.registry import task_named
from wenlu.tasks.result import read_result
from wenlu.tasks.train import with_interval
from wenlu.training import gather_rows
from wenlu.training import run as run_batches

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
        self.classifier, self.tokenizer, saved = load_classifier(
            model if model.is_dir() else self.folder
        )
        config = self.folder / "config.toml"
        self.config = RunConfig.from_toml(config) if config.exists() else None
        self.precision = precision or (self.config.training.precision if self.config else "auto")
        task = task_named(saved["task"])
        self.task: Classification = replace(
            task, labels=tuple(saved["labels"]), names=MappingProxyType(saved["names"])
        )
        self._shape = {"max_length": saved["max_length"], "segments": saved["segments"]}

    def predict(
        self,
        texts: Sequence[str | tuple[str, ...]],
        *,
        advance: Advance | None = None,
    ) -> list[Prediction]:
        """Label texts (or pairs of texts), in their order.

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
        return self.predict_examples(
            [Example(str(i), row, None) for i, row in enumerate(rows)], advance=advance
        )

    def predict_examples(
        self, examples: Sequence[Example], *, advance: Advance | None = None
    ) -> list[Prediction]:
        """As `predict`, of examples as `Classification.read` gives them."""
        found: list[Prediction] = []
        done = 0

        def count(rows: int) -> None:
            nonlocal done
            done += rows
            if advance is not None:
                advance(done, len(examples))

        count(0)
        for start in range(0, len(examples), _CHUNK):
            chunk = examples[start : start + _CHUNK]
            encoded = self.task.encode(chunk, self.tokenizer, **self._shape)
            outputs = run_batches(
                self.classifier, encoded.data, precision=self.precision, advance=count
            )
            logits = [(rows, output.logits.cpu()) for rows, output in outputs]
            found += self.task.decode(gather_rows(logits), chunk)
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
            "scores" with accuracy's 95 % interval, "examples" and "file".
        """
        path = self.split_file(data, split)
        examples = self.task.read(path)
        predictions = self.predict_examples(examples, advance=advance)
        scores = with_interval(self.task.score(examples, predictions), len(examples))
        return {
            "task": self.task.name,
            "file": str(path),
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
        path = self.split_file(data, "test")
        examples = self.task.read(path, labelled=False)
        target = Path(out) if out is not None else Path(self.task.submission_file)
        if target.is_dir():
            target = target / self.task.submission_file
        self.task.submission(self.predict_examples(examples, advance=advance), target)
        self.task.check_submission(target, examples)
        return target

    def split_file(self, data: str | PathLike[str] | None, split: str) -> Path:
        """The file of that split in `data`, which is a folder or the file itself."""
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
            if not Path(data).is_dir() and split == "dev":
                raise RunError(
                    "the dev set of this run was held out of its training file; its scores stand "
                    "in result.json. Give --data with other labelled texts"
                )
        path = Path(data)
        if path.is_file():
            return path
        return need_split(path, stems[split], split)


def _one_run(folder: Path) -> Path:
    """The run folder itself; of several seeds, the best one's."""
    if (folder / "model").is_dir():
        return folder
    if (folder / "result.json").exists():
        best = read_result(folder).get("best_run")
        if best is None:
            raise CheckpointError(f"{folder} has no folder called model; was it removed?")
        return folder / best
    if (folder / "config.toml").exists():
        read_result(folder)  # raises: the run is not finished
    if not folder.is_dir():
        raise CheckpointError(f"no run {folder}: there is no such folder")
    return folder

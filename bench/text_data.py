"""Real texts for the benchmarks: the CLUE sets if they are at hand, else the bundled sample.

Point the environment variable WENLU_CLUE at a folder that holds tnews/, iflytek/, ...
"""

import os
from pathlib import Path

from wenlu.assets import asset
from wenlu.tasks.classification import Classification
from wenlu.tasks.examples import Example, need_split
from wenlu.tasks.registry import TASKS


def clue_folder() -> Path | None:
    """Where the CLUE sets are, if they are."""
    candidates = [Path(os.environ["WENLU_CLUE"])] if "WENLU_CLUE" in os.environ else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared/data/tasks/clue")
    return next((path for path in candidates if path.is_dir()), None)


def labelled(
    name: str, train: int, dev: int
) -> tuple[Classification, list[Example], list[Example]]:
    """The first so many examples of a task's training and dev set."""
    folder = clue_folder()
    if folder is None:
        task, data = TASKS["intents"], asset("samples", "intents")
    else:
        task, data = TASKS[name], folder / name
    train_file = need_split(data, task.train_files, "training")
    examples = task.read(train_file)
    task = task.with_labels_of(examples, train_file)
    return task, examples[:train], task.read(need_split(data, task.dev_files, "dev"))[:dev]


def raw_text(scratch: Path) -> list[Path]:
    """Files of raw text: the held-out part of a corpus if it is at hand, else sample sentences.

    Args:
        scratch: a folder where a file may be put.
    """
    given = os.environ.get("WENLU_CORPUS")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared/data/corpus"
    found = sorted(folder.glob("heldout.jsonl*"))
    if found:
        return found
    task, examples = TASKS["intents"], asset("samples", "intents")
    rows = task.read(need_split(examples, task.train_files, "training"))
    stretches = [rows[i : i + 20] for i in range(0, len(rows), 20)]
    text = "\n\n".join("\n".join(row.texts[0] + "。" for row in stretch) for stretch in stretches)
    (scratch / "samples.txt").write_text(text, "utf-8")
    return [scratch / "samples.txt"]

"""Real texts for the benchmarks: the CLUE sets if they are at hand, else the bundled sample.

Point the environment variable WENLU_CLUE at a folder that holds tnews/, iflytek/, ...
"""

import os
from itertools import islice
from pathlib import Path

from wenlu.assets import asset
from wenlu.corpus import read_documents, write_jsonl
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
    [train_file] = need_split(data, task.train_files, "training")
    examples = task.read(train_file)
    task = task.with_labels_of(examples, train_file)
    return task, examples[:train], task.read(need_split(data, task.dev_files, "dev")[0])[:dev]


def raw_text(scratch: Path, part: str = "heldout", documents: int = 0) -> list[Path]:
    """Files of raw text: a part of a corpus if one is at hand, else the sample sentences.

    Point the environment variable WENLU_CORPUS at a folder that holds heldout.jsonl.zst,
    train-00.jsonl.zst, ...

    Args:
        scratch: a folder where a file may be put.
        part: how the file's name begins.
        documents: only the first so many; 0 for all.
    """
    given = os.environ.get("WENLU_CORPUS")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared/data/corpus"
    found = sorted(folder.glob(f"{part}*.jsonl*"))
    if not found:
        task, examples = TASKS["intents"], asset("samples", "intents")
        rows = task.read(need_split(examples, task.train_files, "training")[0])
        stretches = [rows[i : i + 20] for i in range(0, len(rows), 20)]
        made = scratch / f"{part}.txt"
        texts = ("\n".join(f"{row.texts[0]}。" for row in stretch) for stretch in stretches)
        made.write_text("\n\n".join(texts), "utf-8")
        return [made]
    if not documents:
        return found
    made = scratch / f"{part}.jsonl"
    rows = ({"text": document.text} for document in islice(read_documents(found), documents))
    write_jsonl(made, rows)
    return [made]

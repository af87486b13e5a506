"""From one layout of model folders to another."""

from os import PathLike
from pathlib import Path

from wenlu.checkpoints import read_checkpoint
from wenlu.models.bundled import BUNDLED
from wenlu.models.load import classifier_of, load
from wenlu.models.saving import save


def convert(
    source: str | PathLike[str], target: str | PathLike[str], *, to: str, half: bool = False
) -> str:
    """Write the model in `source` to `target`.

    Args:
        source: a folder in any layout that `load` reads, a run folder, or a bundled name.
        target: must not exist, or be empty.
        to: "hf" or "wenlu".
        half: store matrices as float16.

    Returns:
        "classifier" or "model".
    """
    folder = Path(source)
    if str(source) not in BUNDLED and folder.is_dir():
        folder = folder / "model" if (folder / "model").is_dir() else folder
        checkpoint = read_checkpoint(folder)
        if "classifier" in checkpoint.heads:
            classifier, tokenizer, extra = classifier_of(checkpoint)
            labels = checkpoint.notes.labels
            save(target, classifier, tokenizer, labels=labels, extra=extra, layout=to, half=half)
            return "classifier"
    model, tokenizer = load(folder if folder.is_dir() else source)
    save(target, model, tokenizer, layout=to, half=half)
    return "model"

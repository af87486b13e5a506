"""From one layout of model folders to another."""

from os import PathLike

from wenlu.checkpoints import read_checkpoint
from wenlu.models.bundled import BUNDLED
from wenlu.models.load import find_folder, load, tokenizer_of
from wenlu.models.saving import save, write


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
    bundled = BUNDLED.get(str(source))
    if bundled is not None and not bundled.trained:
        model, tokenizer = load(source)
        save(target, model, tokenizer, layout=to, half=half)
        return "model"
    folder = find_folder(str(source))
    folder = folder / "model" if (folder / "model").is_dir() else folder
    checkpoint = read_checkpoint(folder)
    tokenizer = tokenizer_of(checkpoint)
    write(
        target,
        checkpoint.config,
        checkpoint.tensors,
        checkpoint.notes,
        tokenizer,
        layout=to,
        half=half,
    )
    return "classifier" if "classifier" in checkpoint.heads else "model"

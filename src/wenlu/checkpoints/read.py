"""A folder of any layout, read."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from wenlu.checkpoints.checkpoint import Checkpoint
from wenlu.checkpoints.huggingface import read_huggingface
from wenlu.checkpoints.native import read_wenlu
from wenlu.checkpoints.recognise import recognise
from wenlu.checkpoints.strict import check_finite
from wenlu.checkpoints.tensorflow import read_tensorflow


def read_checkpoint(folder: str | PathLike[str], parts: Iterable[type] = ()) -> Checkpoint:
    """The model in a folder: ours, Hugging Face's or of Google's TensorFlow layout.

    Nothing in the folder is run: weights are read as data alone, and every tensor is accounted
    for.

    Args:
        folder: the model's.
        parts: classes of parts that are not in this package and may be used.

    Raises:
        CheckpointError: there is no model, its parts do not fit together, or its weights are not
            finite; the message names them.
    """
    layout, folder = recognise(folder), Path(folder)
    if layout == "wenlu":
        checkpoint = read_wenlu(folder, parts)
    else:
        checkpoint = (read_huggingface if layout == "huggingface" else read_tensorflow)(folder)
    check_finite(checkpoint.tensors, folder)
    return checkpoint

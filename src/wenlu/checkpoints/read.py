"""A folder of any layout, read."""

from os import PathLike
from pathlib import Path

from wenlu.checkpoints.checkpoint import Checkpoint
from wenlu.checkpoints.huggingface import read_huggingface
from wenlu.checkpoints.native import read_wenlu
from wenlu.checkpoints.recognise import recognise
from wenlu.checkpoints.tensorflow import read_tensorflow

_READERS = {
    "wenlu": read_wenlu,
    "huggingface": read_huggingface,
    "tensorflow": read_tensorflow,
}


def read_checkpoint(folder: str | PathLike[str]) -> Checkpoint:
    """The model in a folder: ours, Hugging Face's or of Google's TensorFlow layout.

    Nothing in the folder is run: weights are read as data alone, and every tensor is accounted
    for.

    Raises:
        CheckpointError: there is no model, or its parts do not fit together; the message names
            them.
    """
    return _READERS[recognise(folder)](Path(folder))

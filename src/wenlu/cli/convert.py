"""wenlu convert."""

from pathlib import Path
from typing import Literal

from wenlu.cli.flags import Switch
from wenlu.cli.output import print_json, say


def convert(
    src: str,
    dst: Path,
    *,
    to: Literal["hf", "wenlu"] = "hf",
    half: Switch = False,
    json: Switch = False,
) -> None:
    """Convert a model to another layout. The outputs stay the same.

    It reads run folders, wenlu and Hugging Face model folders, and TensorFlow checkpoints.

    Examples:
        wenlu convert chinese_L-12_H-768_A-12 bert-hf --to hf
        wenlu convert runs/tnews tnews-hf

    Parameters
    ----------
    src
        The model to convert: a folder, or a name from `wenlu models`.
    dst
        The folder to create.
    to
        hf: a Hugging Face folder; wenlu: the layout of wenlu.
    half
        Store matrices as float16, in half the space. Only with `--to wenlu`.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.models.convert import convert as rewrite

    kind = rewrite(src, dst, to=to, half=half)
    if json:
        print_json({"output": str(dst), "layout": to, "kind": kind})
    else:
        say(f"{kind} written to {dst} in the {to} layout")

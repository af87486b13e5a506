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
    """Rewrite a model in another layout, with equal outputs.

    Reads run folders, our own layout, Hugging Face folders and Google TensorFlow checkpoints.

    Examples:
        wenlu convert chinese_L-12_H-768_A-12 bert-hf --to hf
        wenlu convert runs/tnews tnews-hf

    Parameters
    ----------
    src
        The model: a folder, or a name from `wenlu models`.
    dst
        The folder to make.
    to
        hf for an ordinary Hugging Face folder, wenlu for our own layout.
    half
        Store matrices as float16, in half the space; for our own layout.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.models.convert import convert as rewrite

    kind = rewrite(src, dst, to=to, half=half)
    if json:
        print_json({"output": str(dst), "layout": to, "kind": kind})
    else:
        say(f"{kind} written to {dst} in the {to} layout")

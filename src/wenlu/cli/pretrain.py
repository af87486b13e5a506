"""wenlu pretrain."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.pretraining.settings import (
    MaskingSettings,
    PretrainingSettings,
    SimilaritySettings,
)

_DEFAULTS = PretrainingConfig(objective=("mlm",), corpus=("",))
_Several = Parameter(consume_multiple=True)


def pretrain(
    *,
    objective: Annotated[list[str], _Several],
    corpus: Annotated[list[Path], _Several],
    out: Path,
    heldout: Annotated[list[Path] | None, _Several] = None,
    config: str = _DEFAULTS.config,
    vocab: Path | None = None,
    model: str | None = None,
    seed: int = _DEFAULTS.seed,
    masking: Annotated[MaskingSettings | None, Parameter(name="*")] = None,
    similarity: Annotated[SimilaritySettings | None, Parameter(name="*")] = None,
    settings: Annotated[PretrainingSettings | None, Parameter(name="*")] = None,
    resume: Switch = False,
    overwrite: Switch = False,
    json: Switch = False,
) -> None:
    """Pretrain a model on raw text and write a run folder.

    The corpus is tokenized once. Rows, masks and order are different in every epoch. --resume
    continues a run that was stopped in any way; the final weights are the same to the last bit.
    With --resume and more --steps, a finished run continues from before its learning rate decay.

    Examples:
        wenlu pretrain --objective mlm nsp --corpus news.jsonl.zst --out runs/mini
        wenlu pretrain --objective mlm nsp --corpus part-*.txt --heldout held.txt
            --config shape.toml --vocab vocab.txt --steps 100000
            --gradient-accumulation 8 --out runs/mini
        wenlu pretrain --objective unilm --corpus news.txt --model runs/mini/model --out runs/gen
        wenlu pretrain --objective simbert --corpus pairs.jsonl --model runs/mini/model
            --max-length 64 --lr 1e-4 --out runs/sim
        torchrun --nproc-per-node 8 -m wenlu pretrain --objective mlm --corpus ... --out runs/big

    Parameters
    ----------
    objective
        One or more of mlm, nsp, sop, lm, unilm that can be combined; or simbert alone.
    corpus
        JSONL files (one object per line, with its text in "text" and optionally its origin in
        "source") or TXT files (blank lines between documents), also .gz or .zst; or one folder
        of tokens from an earlier run. For simbert: JSONL files with groups of similar sentences,
        two in the fields "a" and "b", or any number as a list in "texts".
    out
        The run folder to create.
    heldout
        Held-out text to evaluate on; files or a folder, as for the corpus.
    config
        Shape of the model: a name from `wenlu models`, or a TOML file with lines like width = 256.
    vocab
        A vocab.txt or a folder with a tokenizer. Default: the bundled vocabulary.
    model
        Start from the weights and the vocabulary of this model instead of random weights: a name
        from `wenlu models`, a folder, or owner/name on the Hugging Face Hub.
    seed
        Random seed of initial weights, data order, masks and dropout.
    masking
        Masking settings.
    similarity
        SimBERT settings.
    settings
        Training settings.
    resume
        Resume the run at --out.
    overwrite
        Replace the run folder at --out. Other folders are never replaced.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.training.pretraining.run import pretrain as run
    from wenlu.training.processes import is_first

    result = run(
        PretrainingConfig(
            objective=tuple(objective),
            corpus=tuple(map(str, corpus)),
            heldout=tuple(map(str, heldout or ())),
            config=config,
            vocab=None if vocab is None else str(vocab),
            model=model,
            seed=seed,
            masking=masking or MaskingSettings(),
            similarity=similarity or SimilaritySettings(),
            training=settings or PretrainingSettings(),
        ),
        out,
        resume=resume,
        overwrite=overwrite,
        say=None if json else say,
    )
    if not is_first():
        return
    if json:
        print_json(result)
        return
    show_scores(result["scores"])
    say(f"{result['tokens_per_second']:,.0f} tokens/s\nmodel  {out / 'model'}")


def show_scores(scores: dict[str, Any]) -> None:
    """A table: held-out loss and accuracy, source by source."""
    from rich.table import Table

    for objective, by in scores.items():
        table = Table(title=f"{objective} on the held-out text", box=None, title_justify="left")
        table.add_column("source")
        for column in ("loss", "accuracy", "predicted"):
            table.add_column(column, justify="right")
        for source, found in by.items():
            table.add_row(
                source or "(no source given)",
                f"{found['loss']:.4f}",
                f"{found['accuracy']:.2%}",
                f"{found['count']:,}",
            )
        people.print(table)

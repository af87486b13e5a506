"""wenlu corpus: what is made from raw text."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, check_target, print_json, say
from wenlu.cli.progress import bytes_bar


def vocab(
    *texts: Path,
    size: int,
    out: Path,
    field: str = "text",
    latin: Annotated[int | None, Parameter(show_default=lambda _: "15 % of the size")] = None,
    min_count: int = 2,
    unused: int = 20,
    cased: Switch = False,
    json: Switch = False,
) -> None:
    """Make a WordPiece vocabulary from raw Chinese text.

    It holds the most frequent hanzi, punctuation and other signs, digits and Latin letters, and
    pieces of the Latin words of the text.

    Examples:
        wenlu corpus vocab news.jsonl.zst --size 12000 --out vocab.txt
        wenlu corpus vocab part-*.txt --size 8000 --latin 400 --out vocab.txt

    Parameters
    ----------
    texts
        JSONL files, an object a line, or TXT files, with blank lines between documents (or, without
        any, a document a line); also with .gz or .zst after it.
    size
        How many tokens it is to have.
    out
        The vocab.txt to write.
    field
        The field of a JSONL row that holds the text.
    latin
        How many pieces of Latin words.
    min_count
        How often a character must come to be a token.
    unused
        How many [unusedN] tokens to keep free.
    cased
        Tell A from a, and é from e; then train with a tokenizer that does, too.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.atomic import atomic_write
    from wenlu.corpus import build_vocabulary
    from wenlu.text import CASED, UNCASED

    if not texts:
        raise UsageError("give one or more files of text")
    check_target(out)
    with bytes_bar("counting") as advance:
        made = build_vocabulary(
            texts,
            size,
            field=field,
            latin=latin,
            min_count=min_count,
            unused=unused,
            normalization=CASED if cased else UNCASED,
            progress=advance,
        )
    with atomic_write(out) as file:
        file.writelines(f"{token}\n" for token in made.tokens)
    if json:
        print_json(
            {
                "output": str(out),
                "size": len(made.tokens),
                "hanzi": made.hanzi,
                "punctuation": made.punctuation,
                "signs": made.signs,
                "latin": made.latin,
                "unused": made.unused,
                "documents": made.documents,
                "characters": made.characters,
                "unknown_share": made.unknown_share,
            }
        )
        return
    say(f"{len(made.tokens):,} tokens written to {out}")
    say(
        f"{made.hanzi:,} hanzi, {made.punctuation:,} punctuation marks, {made.signs:,} other "
        f"signs, {made.latin:,} pieces of Latin words, {made.unused:,} unused"
    )
    say(
        f"[UNK] is {made.unknown_share:.3%} of the tokens of the {made.characters:,} characters "
        f"that were counted, in {made.documents:,} documents"
    )
    if made.unused > unused:
        say(
            f"The text has too few different characters: {made.unused - unused:,} tokens more than "
            "asked for are [unusedN]. Take a smaller size, a lower --min-count or more text."
        )

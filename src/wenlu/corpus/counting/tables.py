"""Tables of counts as files: TSV, or Parquet."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from wenlu.corpus.places import Place, Url
from wenlu.corpus.results import check_url, is_input, result_file
from wenlu.errors import ConfigError, MissingExtraError

Groups = Iterator[tuple[int, list[str]]]
"""A count, and words that come so often."""

_ROWS = 1 << 17  # of a group in a Parquet file


def check_table(out: Place, inputs: Sequence[Place]) -> None:
    """Refuse an output that could not be written, or that is also an input."""
    if out.suffix.lower() not in _WRITERS:
        raise ConfigError(
            f"a table cannot be written as {out.name}; its name must end in {' or '.join(_WRITERS)}"
        )
    if out.suffix.lower() == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError:
            raise MissingExtraError("pyarrow", "corpus", f"writing {out}") from None
    if is_input(out, inputs):
        raise ConfigError(f"{out} is also an input; give another name for the output")
    if isinstance(out, Url):
        check_url(out)


def write_table(
    out: Place,
    name: str,
    groups: Groups,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write words and their counts, in the order they come in; whole or not at all.

    Args:
        out: the file; its suffix says of which kind.
        name: of the column of words; the other is `count`.
        groups: the words; none has white space in it, so none needs quotes.
        folder: of temporary files.
        progress: is told how many bytes of how many have been sent, if they are sent anywhere.
    """
    with result_file(out, folder, progress) as file:
        _WRITERS[out.suffix.lower()](file, name, groups)


def _write_tsv(file: IO[bytes], name: str, groups: Groups) -> None:
    file.write(f"{name}\tcount\n".encode())
    for count, words in groups:
        end = f"\t{count}\n"
        file.write((end.join(words) + end).encode())


def _write_parquet(file: IO[bytes], name: str, groups: Groups) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()), ("count", pa.int64())])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        held: list[tuple[int, list[str]]] = []
        rows = 0
        for count, words in chain(groups, [(0, [])]):
            held.append((count, words))
            rows += len(words)
            if rows >= _ROWS or not words:
                writer.write_table(
                    pa.table(
                        {
                            name: [word for _, some in held for word in some],
                            "count": [count for count, some in held for _ in some],
                        },
                        schema=schema,
                    )
                )
                held, rows = [], 0


_WRITERS = {".tsv": _write_tsv, ".parquet": _write_parquet}

"""Tables of counts as files: TSV, or Parquet."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from wenlu.atomic import atomic_write
from wenlu.errors import ConfigError, MissingExtraError

Groups = Iterator[tuple[int, list[str]]]
"""A count, and words that come so often."""

_ROWS = 1 << 17  # of a group in a Parquet file


def check_table(out: Path, inputs: Sequence[Path]) -> None:
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
    if out.exists() and any(out.samefile(path) for path in inputs):
        raise ConfigError(f"{out} is also an input; give another name for the output")


def write_table(out: Path, name: str, groups: Groups) -> None:
    """Write words and their counts, in the order they come in; whole or not at all.

    Args:
        out: the file; its suffix says of which kind.
        name: of the column of words; the other is `count`.
        groups: the words; none has white space in it, so none needs quotes.
    """
    with atomic_write(out, "wb") as file:
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

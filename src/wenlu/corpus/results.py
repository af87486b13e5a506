"""Where results go: files that appear whole or not at all, here or where a URL says.

What goes to a URL is written here first, in a temporary folder, and then sent off in one
transaction of fsspec: with S3, an object is there when all its parts are, or it is not there.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from wenlu.atomic import atomic_write
from wenlu.corpus.places import STDIN, Place, Url, reason
from wenlu.errors import ConfigError, DataError, RunError

_PART = 16 << 20
_MOST_PARTS = 9_000  # S3 takes 10,000


def is_input(out: Place, inputs: Sequence[Place]) -> bool:
    """Whether a result would replace what it is made of."""
    if isinstance(out, Url):
        return out in inputs
    return out.exists() and any(
        path.exists() and out.samefile(path)
        for path in inputs
        if isinstance(path, Path) and path != STDIN
    )


def check_url(out: Url) -> None:
    """Refuse a URL that nothing can be written to, before the work that leads to it is done.

    A hidden file of no bytes is written beside it and removed.

    Raises:
        ConfigError: it is on a web server.
        RunError: it is a folder, or nothing can be written there.
    """
    if out.protocol in ("http", "https"):
        raise ConfigError(f"{out}: a web server can be read only; give a file, or s3:// or such")
    if not out.name:
        raise RunError(f"cannot write {out}: it has no name; give the name of a file")
    system, _ = out.system()
    if out.is_dir():
        raise RunError(f"cannot write {out}: it is a folder; give the name of a file")
    _, probe = out.beside(f".{out.name[:32]}.{secrets.token_hex(6)}.tmp").system()
    try:
        system.pipe_file(probe, b"")
        system.rm_file(probe)
    except Exception as error:  # each file system has classes of its own
        raise RunError(
            f"cannot write {out}: {reason(error)}. Is it spelt right, and may you write there?"
        ) from error


@contextmanager
def result_file(
    out: Place, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Iterator[IO[Any]]:
    """A file to write bytes to, which is at `out` when the block ends well, and nowhere else.

    Args:
        out: where it is to be.
        folder: of temporary files, which is removed in any case.
        progress: is told how many bytes of how many have been sent to a URL.
    """
    if not isinstance(out, Url):
        with atomic_write(out, "wb") as file:
            yield file
        return
    here = folder / "result"
    try:
        with here.open("xb") as file:
            yield file
    except OSError as error:
        if error.filename not in (None, str(here)):
            raise
        raise RunError(
            f"cannot write the temporary files in {folder.parent}: {error.strerror}. "
            "Nothing was changed; free some space there, or give another folder as --temp."
        ) from error
    send({here: out}, progress)


def send(files: Mapping[Path, Url], progress: Callable[[int, int], None] | None = None) -> None:
    """Copy files to URLs of one file system; all of them appear there, or none does.

    Raises:
        RunError: it does not work.
    """
    size, sent = sum(path.stat().st_size for path in files), 0
    system, _ = next(iter(files.values())).system()
    url = next(iter(files.values()))
    try:
        with system.transaction:
            for path, url in files.items():
                part = max(_PART, path.stat().st_size // _MOST_PARTS + 1)
                with (
                    path.open("rb") as file,
                    system.open(url.system()[1], "wb", block_size=part) as there,
                ):
                    while piece := file.read(1 << 20):
                        there.write(piece)
                        sent += len(piece)
                        if progress is not None:
                            progress(sent, size)
        system.invalidate_cache()
        for path, url in files.items():
            if url.size() not in (None, path.stat().st_size):
                raise RunError(
                    f"{url} has another size than what was sent there; do not use it. Run it again."
                )
    except (RunError, DataError):
        raise
    except Exception as error:  # each file system has classes of its own
        raise RunError(
            f"cannot write {url}: {reason(error)}. Nothing appeared there; run it again."
        ) from error

"""A hidden folder for what does not fit into memory."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wenlu.errors import RunError


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder beside a path; whatever ends the block removes it.

    Raises:
        RunError: something in it cannot be written (disk full, no permission).
    """
    folder = beside.with_name(f".{beside.name[:32]}.{secrets.token_hex(6)}.tmp")
    try:
        folder.mkdir()
        yield folder
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(folder)):
            raise
        raise RunError(
            f"cannot write temporary files beside {beside}: {error.strerror or error}. Nothing "
            "was changed; see to the disk and run it again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Where text comes from and where results go: a file, standard input, or what a URL names.

URLs are opened with fsspec, so `s3://`, `http://`, `memory://`, `gs://`, `sftp://` and so on are
known as far as the packages for them are installed.
"""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from wenlu.errors import ConfigError, DataError, MissingExtraError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = Path("-")

_URL = re.compile(r"[a-z][a-z0-9+.-]*(::|://)", re.IGNORECASE)
_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}
_WEB = ("http", "https")
_READ = 8 << 20
"""Bytes that are asked for at a time, where the other side answers such questions."""
_BUFFER = 1 << 18


class Url(str):
    """What lies elsewhere; it answers to the names of `Path` where both have something alike."""

    __slots__ = ()

    @property
    def protocol(self) -> str:
        """Such as s3."""
        return self.partition("://")[0].rpartition("::")[2].lower()

    @property
    def _path(self) -> PurePosixPath:
        bare = urlsplit(self).path if self.protocol in _WEB else self.partition("://")[2]
        return PurePosixPath("/" + bare.strip("/"))

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self._path.name

    @property
    def suffix(self) -> str:
        """What the name ends in, such as .gz."""
        return self._path.suffix

    @property
    def suffixes(self) -> list[str]:
        """What the name ends in, such as .jsonl and .gz."""
        return self._path.suffixes

    @property
    def parent(self) -> "Url":
        """The folder that it is in."""
        return Url(self.rstrip("/").rpartition("/")[0])

    def beside(self, name: str) -> "Url":
        """Something else in the same folder."""
        return Url(f"{self.parent}/{name}")

    def size(self) -> int | None:
        """How many bytes it has; None if nobody knows."""
        system, path = self.system()
        with self._speaking("cannot be read"):
            size = system.info(path).get("size")
        return None if size is None else int(size)

    def exists(self) -> bool:
        """Whether there is such a file or folder."""
        system, path = self.system()
        with self._speaking("cannot be looked up"):
            return bool(system.exists(path))

    def is_dir(self) -> bool:
        """Whether it is a folder; a web server has none."""
        if self.protocol in _WEB:
            return False
        system, path = self.system()
        with self._speaking("cannot be looked up"):
            return bool(system.isdir(path))

    def inside(self) -> "list[Url]":
        """All files in a folder and in those in it, hidden ones aside, in the order of names."""
        system, path = self.system()
        with self._speaking("cannot be listed"):
            found = sorted(system.find(path))
        start = len(system._strip_protocol(path).rstrip("/"))
        shown = [one for one in found if not re.search(r"(^|/)\.", one[start:])]
        return [Url(system.unstrip_protocol(one)) for one in shown]

    def matches(self) -> "list[Url]":
        """What a name with `*` or other wild cards stands for, in the order of names; or itself."""
        if self.protocol in _WEB or not re.search(r"[*?\[]", self):
            return [self]
        system, path = self.system()
        with self._speaking("cannot be listed"):
            found = [Url(system.unstrip_protocol(one)) for one in sorted(system.glob(path))]
        if not found:
            raise DataError("nothing has such a name", file=self)
        return found

    def open(self, at: int = 0) -> io.BufferedReader:
        """Read its bytes.

        Args:
            at: where to begin.
        """
        system, path = self.system()
        with self._speaking("cannot be read"):
            # A web server is asked once for all: not all of them answer for a part.
            file = system.open(path, "rb", block_size=0 if self.protocol in _WEB else _READ)
            if at and self.protocol not in _WEB:
                file.seek(at)
        if self.protocol not in _WEB:
            return io.BufferedReader(_Reader(self, file, at), _BUFFER)
        reader: io.BufferedReader = io.BufferedReader(_Reader(self, file, 0), _BUFFER)
        while at and (skipped := reader.read(min(at, _BUFFER))):
            at -= len(skipped)
        return reader

    def system(self) -> tuple[Any, str]:
        """What fsspec knows: the file system, and the path in it.

        Raises:
            MissingExtraError: a package is not installed.
            ConfigError: no package is known that could open it.
        """
        purpose = f"{self.protocol}:// in {self}"
        try:
            import fsspec.core
        except ImportError:
            raise MissingExtraError("fsspec", "remote", purpose) from None
        try:
            found: tuple[Any, str] = fsspec.core.url_to_fs(str(self), **_options(self.protocol))
        except ImportError as error:
            if self.protocol in _WEB:
                raise MissingExtraError("aiohttp", "remote", purpose) from None
            if self.protocol in _EXTRAS:
                raise MissingExtraError(*_EXTRAS[self.protocol], purpose) from None
            raise ConfigError(f"{self} cannot be opened: {error}") from None
        except ValueError as error:
            raise ConfigError(f"{self} cannot be opened: {error}") from None
        return found

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Whatever a file system raises, with its own classes of errors, as one of ours."""
        try:
            yield
        except FileNotFoundError:
            raise DataError("there is no such file", file=self) from None
        except Exception as error:
            raise DataError(f"it {what}: {reason(error)}", file=self) from error


Place = Path | Url
"""A file or a folder, here or elsewhere."""


def to_place(given: str | PathLike[str]) -> Place:
    """What is meant by a name; `file://` is here."""
    if not isinstance(given, str) or not _URL.match(given):
        return Path(given)
    if given.lower().startswith("file://"):
        return Path(url2pathname(urlsplit(given).path))
    return Url(given)


def size_of(place: Place) -> int | None:
    """Bytes of a file as it lies there; None if that cannot be known before it is read."""
    if isinstance(place, Url):
        return place.size()
    return place.stat().st_size if place.is_file() else None


def reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def local(places: Iterable[Place]) -> Iterator[Path]:
    """Those that are on a disk here."""
    for place in places:
        if isinstance(place, Path) and place != STDIN:
            yield place


def _options(protocol: str) -> dict[str, Any]:
    if protocol not in _WEB:
        return {}
    import aiohttp

    # By default aiohttp ends whatever takes more than five minutes. Nothing is to be decompressed
    # on the way: what ends in .gz is decompressed here.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=60, sock_read=300)
    return {"client_kwargs": {"timeout": timeout, "headers": {"Accept-Encoding": "identity"}}}


class _Reader(io.RawIOBase):
    """A file of fsspec, with our errors.

    Args:
        url: what it is.
        file: what fsspec has opened.
        at: where it stands.
    """

    def __init__(self, url: Url, file: Any, at: int) -> None:  # noqa: ANN401
        self._url, self._file, self._at = url, file, at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(view))
        except Exception as error:  # each file system has classes of its own
            raise DataError(
                f"it cannot be read on at byte {self._at:,}: {reason(error)}", file=self._url
            ) from error
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

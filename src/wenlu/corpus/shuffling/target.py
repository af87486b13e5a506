"""Where shuffled records are to be in the end: a file, several, or standard output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.places import Place, Url, to_place
from wenlu.corpus.results import check_url, is_input, send
from wenlu.corpus.zstd_frames import need_zstandard
from wenlu.errors import ConfigError, RunError


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where shuffled records are to be in the end."""

    place: Place | None
    """The file, or the folder of shards; None for standard output."""

    shards: tuple[str, ...]
    """The names of several files in that folder; empty for a single file."""

    @property
    def name(self) -> str:
        """What to call it."""
        return "stdout" if self.place is None else self.place.name

    @property
    def compressed(self) -> bool:
        """Whether it is made smaller than its records."""
        return Path(self.shards[0] if self.shards else self.name).suffix.lower() in COMPRESSIONS

    def check(self, files: Sequence[Place]) -> None:
        """Refuse what could not be written, before any work is done.

        Args:
            files: what is read.
        """
        place = self.place
        if place is None:
            return
        if Path(self.shards[0] if self.shards else self.name).suffix.lower() == ".zst":
            need_zstandard(f"writing {place}")
        if isinstance(place, Url):
            if not self.shards and is_input(place, files):
                raise _same(place)
            if self.shards and place.exists() and (not place.is_dir() or place.inside()):
                raise _not_empty(place)
            check_url(Url(f"{place}/{self.shards[0]}") if self.shards else place)
            return
        if self.shards and (
            place.resolve() == Path.cwd()
            or (place.exists() and (not place.is_dir() or any(place.iterdir())))
        ):
            raise _not_empty(place)
        if not self.shards and place.is_dir():
            raise RunError(f"cannot write {place}: it is a folder; give the name of a file")
        if not place.parent.is_dir():
            raise RunError(
                f"cannot write {place}: there is no folder {place.parent}; make it first"
            )
        if not self.shards and is_input(place, files):
            raise _same(place)

    def here(self, scratch: Path) -> tuple[Path | None, list[Path]]:
        """The file to write on this machine, and the shards if there are any.

        Args:
            scratch: the folder of temporary files, for what is sent to a URL then.
        """
        if self.place is None:
            return None, []
        place = scratch / "result" if isinstance(self.place, Url) else self.place
        if isinstance(self.place, Url):
            place.mkdir(exist_ok=True)
            place = place / self.place.name
        return place, [place / name for name in self.shards]

    def send(self, scratch: Path, progress: Callable[[int, int], None]) -> None:
        """Bring what was written to its URL; only if it is one.

        Args:
            scratch: the folder of temporary files.
            progress: is told how many bytes of how many are done.
        """
        if not isinstance(self.place, Url):
            return
        here, shards = self.here(scratch)
        if shards:
            send({path: Url(f"{self.place}/{path.name}") for path in shards}, progress)
        elif here is not None:
            send({here: self.place}, progress)


def find_target(out: str | PathLike[str] | None, shards: int | None) -> Target:
    """What is meant.

    Args:
        out: a file or URL, None for standard output; for shards, with a place for their numbers.
        shards: how many.
    """
    if out is None:
        if shards is not None:
            raise ConfigError("shards need a name; standard output has none")
        return Target(place=None, shards=())
    place = to_place(out)
    if shards is None:
        return Target(place=place, shards=())
    return Target(place=place.parent, shards=_shard_names(place, shards))


def _shard_names(pattern: Place, shards: int) -> tuple[str, ...]:
    """Such as part-00000.jsonl of part-{:05d}.jsonl."""
    try:
        names = tuple(pattern.name.format(number) for number in range(shards))
    except (ValueError, IndexError, KeyError):
        names = ()
    if shards < 1 or len(set(names)) < shards or (shards == 1 and names == (pattern.name,)):
        raise ConfigError(
            f"{shards} shards cannot be named by {str(pattern)!r}; give 1 or more, and a name with "
            "one place for the number, such as out/part-{:05d}.jsonl"
        )
    return names


def _same(place: Place) -> RunError:
    return RunError(
        f"{place} is an input too; it would be replaced by its own shuffle. Give another name"
    )


def _not_empty(folder: Place) -> RunError:
    return RunError(f"{folder} exists already and is not empty; give shards a new folder")

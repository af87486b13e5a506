"""Shuffle records of files of any size; every order is equally likely."""

import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Literal

from wenlu.atomic import holding
from wenlu.corpus.places import Url
from wenlu.corpus.shuffling import resuming
from wenlu.corpus.shuffling.bars import Bar, no_bar
from wenlu.corpus.shuffling.cluster import ClusterJob, Work, plan_on_ray
from wenlu.corpus.shuffling.contents import Written
from wenlu.corpus.shuffling.gather import need_arrow
from wenlu.corpus.shuffling.inputs import find_inputs
from wenlu.corpus.shuffling.local import LocalJob
from wenlu.corpus.shuffling.order import Order
from wenlu.corpus.shuffling.plan import Plan, check_disk, make_plan
from wenlu.corpus.shuffling.resuming import (
    Progress,
    clear_kept,
    find_kept,
    identity_of,
    is_kept,
    tidy,
)
from wenlu.corpus.shuffling.sinks import open_sink
from wenlu.corpus.shuffling.source import Source
from wenlu.corpus.shuffling.target import Target, find_target
from wenlu.corpus.temporary import temporary_place
from wenlu.corpus.zstd_frames import window_within
from wenlu.errors import ConfigError, RunError


@dataclass(frozen=True, kw_only=True, slots=True)
class Shuffled:
    """What a shuffle came to."""

    files: tuple[str, ...]
    """What was read, in this order."""

    records: int

    bytes: int
    """Of all records, with the line ends that were added."""

    line_ends_added: tuple[str, ...]
    """Files whose last record had none."""

    empty_lines_dropped: int
    """Lines that were left out because nothing was in them."""

    fingerprint: str
    """Of the multiset of records, in and out."""

    seed: int
    passes: int
    buckets: int
    long_records: int
    """Records that were too large for a block and were copied by themselves."""
    seconds: float


def shuffle(
    inputs: Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None,
    *,
    seed: int = 0,
    memory: int = 2 * 10**9,
    threads: int | None = None,
    temp: str | PathLike[str] | None = None,
    engine: Literal["local", "ray"] = "local",
    separator: bytes = b"\n",
    group: int = 1,
    drop_empty: bool = False,
    shards: int | None = None,
    verify: bool = False,
    resume: bool = False,
    plan: Callable[[Plan], None] | None = None,
    bar: Bar | None = None,
) -> Shuffled:
    """Write the lines of files in a random order; every order is equally likely.

    The order is a function of the seed and of the number of each line, and of nothing else: not of
    the memory, the threads or the buckets. Files with equally many lines, such as the two sides of
    a parallel corpus, are put in the same order by the same seed.

    Args:
        inputs: files, in .gz or .zst too; folders, for all text files in them; URLs of such files
            or folders, also with wild cards; `-` for stdin.
        out: the file or URL to write, compressed if it ends in .gz or .zst; None for stdout.
        seed: picks the order.
        memory: bytes that the process may take.
        threads: how many; by default two where there are two processors.
        temp: folder for temporary files; by default the one of the output, or the system's if that
            is a URL or stdout.
        engine: `local`, or `ray` for tasks on a Ray cluster: then `memory` is for each of these,
            `threads` is how many run at a time, and all machines must see the files and `temp`.
        separator: the bytes that end a line.
        group: how many lines stay together; the last of a file may be fewer.
        drop_empty: leave out lines that have nothing before their separator.
        shards: write so many files with equally many records, give or take one; `out` is their
            name with a place for the number, such as `part-{:05d}.jsonl`, in a folder of their own.
        verify: hash all bytes of all records, in and out, and read the output again before it
            appears; what goes to stdout cannot be read again.
        resume: go on with a shuffle of the same inputs into the same output that was stopped, if
            there is one. It leaves its temporary files only if the inputs have more than 10 GB.
        plan: is given the plan before anything is read.
        bar: shows how far each pass has got.

    Raises:
        DataError: an input cannot be read.
        RunError: the output cannot be written.
        ConfigError: the memory is too little, or another setting does not work.
    """
    need_arrow()
    if seed < 0:
        raise ConfigError(f"seed must be 0 or more; got {seed}")
    if group < 1:
        raise ConfigError(f"group must be 1 or more lines; got {group}")
    begun = time.perf_counter()
    target = find_target(out, shards)
    found = find_inputs(inputs)
    target.check(found.files)
    folder = temporary_place(target.place, temp)
    home = None  # of the output, while it is written
    if target.place is not None:
        home = folder if isinstance(target.place, Url) else target.place.resolve().parent
    same_disk = home is not None and _device(folder) == _device(home)
    made = make_plan(
        found,
        memory=memory,
        threads=threads,
        to_file=home is not None,
        same_disk=same_disk,
        room=shutil.disk_usage(folder).free,
        separator=len(separator),
    )
    if engine == "ray":
        made = plan_on_ray(made, found, memory, threads)
    kept = None
    known = made.bytes is not None and home is not None and engine == "local"
    identity = identity_of(
        found,
        target,
        seed=seed,
        separator=separator.hex(),
        group=group,
        drop_empty=drop_empty,
        verify=verify,
    )
    if resume and not known:
        raise ConfigError(
            "only a shuffle on this machine, of files whose size is known and not to standard "
            "output, leaves anything to resume; leave out --resume"
        )
    if resume:
        kept = find_kept(folder, target.name, identity)
        if kept is not None:
            made = replace(Plan(**kept[1]["plan"]), bytes=made.bytes)
            if memory < made.memory:
                raise ConfigError(
                    f"the shuffle that was stopped was given {made.memory / 1e6:,.0f} MB of "
                    "memory; give as much to resume it"
                )
    if kept is None:
        large = (found.size or 0) > resuming.LEAST and made.passes > 1
        made = replace(made, resumable=known and large)
        for place in {folder, home or folder}:
            clear_kept(place, target.name, identity["output"])
    if plan is not None:
        plan(made)
    if home is not None and not (same_disk and made.passes > 1) and made.bytes is not None:
        _check_room(home, made.bytes, target)
    if kept is None:
        check_disk(made, folder if made.passes > 1 or home is None else home)
    with (
        _scratch(folder, target.name, kept[0] if kept else None) as scratch,
        Source(
            found.files,
            separator=separator,
            group=group,
            drop_empty=drop_empty,
            window=window_within(memory),
        ) as source,
    ):
        if kept is not None:
            tidy(scratch)
        job: LocalJob | ClusterJob
        if engine == "ray":
            work = Work(
                separator=separator,
                group=group,
                drop_empty=drop_empty,
                seed=seed,
                bits=0,
                block=made.block,
                folder=scratch.absolute(),
                verify=verify,
            )
            job = ClusterJob(made, found, work, bar or no_bar)
        else:
            job = LocalJob(made, Order(seed), source, found.size or 0, scratch, bar or no_bar)
            job.written = Written() if verify else None
            if made.resumable:
                state = kept[1] if kept else None
                job.progress = Progress(scratch, identity, made, found.size or 0, state)
                room = shutil.disk_usage(folder).free
                job.keep = kept is not None or room > (made.disk or 0) + (made.bytes or 0)

        def finish(written: Sequence[Path], suffix: str) -> None:
            job.read.check(job.wrote)
            if job.written is not None and written:
                with job.bar("verifying") as advance:
                    job.written.compare(written, suffix, advance)

        here, parts = target.here(scratch)
        job.run(lambda: open_sink(here, parts, job.read.records, finish))
        if isinstance(target.place, Url):
            with job.bar("sending") as advance:
                target.send(scratch, advance)
        return Shuffled(
            files=tuple(map(str, found.files)),
            records=job.read.records,
            bytes=job.read.bytes,
            line_ends_added=tuple(map(str, job.unended)),
            empty_lines_dropped=job.dropped,
            fingerprint=f"{job.read.fingerprint:016x}",
            seed=seed,
            passes=job.passes,
            buckets=job.buckets,
            long_records=job.long_records,
            seconds=time.perf_counter() - begun,
        )


def _check_room(folder: Path, size: int, target: Target) -> None:
    room = shutil.disk_usage(folder).free
    if not target.compressed and size > room:
        raise RunError(
            f"not enough room in {folder}: about {size / 1e6:,.1f} MB are needed and "
            f"{room / 1e6:,.1f} MB are free. Nothing was written; free some space."
        )


def _device(folder: Path) -> int:
    return folder.stat().st_dev


@contextmanager
def _scratch(folder: Path, name: str, kept: Path | None) -> Iterator[Path]:
    """A hidden folder for temporary files, which is gone in the end.

    If something comes between, and it can be gone on with, then it stays.

    Args:
        folder: where it is.
        name: of the output.
        kept: the one of an earlier shuffle that is gone on with.
    """
    scratch = kept or folder / f".{name[:32]}.{secrets.token_hex(6)}.tmp"
    stays = False
    try:
        scratch.mkdir(mode=0o700, exist_ok=kept is not None)
        with holding(scratch):
            try:
                yield scratch
            except BaseException as error:
                stays = is_kept(scratch)
                if stays:
                    error.add_note(
                        f"What was done until then is kept in {scratch}: the same command with "
                        "--resume goes on with it, and without it begins anew."
                    )
                raise
    except OSError as error:
        if error.filename == str(scratch):
            raise RunError(f"cannot write in {folder}: {error.strerror}") from error
        raise
    finally:
        if not stays:
            shutil.rmtree(scratch, ignore_errors=True)

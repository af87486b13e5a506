"""Shuffles that are stopped anywhere, and gone on with."""

import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus.shuffling import Plan, shuffle
from wenlu.corpus.shuffling import resuming as kept_module
from wenlu.errors import RunError

from .test_shuffle import TINY, expected, records_of

module = pytest.importorskip("wenlu.corpus.shuffling.shuffle", reason="needs pyarrow")
LINES = b"".join(b"%d\n" % n * (n % 3) + b"\n" for n in range(700))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large, and nothing takes long."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(kept_module, "LEAST", 0)
    monkeypatch.setattr(kept_module, "_LEAST_STEP", 300)
    monkeypatch.setattr("wenlu.corpus.shuffling.source.CHUNK", 50)

    def plan(*_: object, memory: int, **__: object) -> Plan:
        return replace(TINY, memory=memory, block=200, bytes=6000)

    monkeypatch.setattr(module, "make_plan", plan)


def stop_at(patch: pytest.MonkeyPatch, name: str, time: int) -> None:
    """Ctrl-C in one of the steps of a shuffle."""
    real: Callable[..., Any] = getattr(module.LocalJob, name)
    times = iter(range(10**6))

    def stops(*arguments: Any) -> Any:  # noqa: ANN401
        if next(times) == time:
            raise KeyboardInterrupt
        return real(*arguments)

    patch.setattr(module.LocalJob, name, stops)


@pytest.mark.parametrize(
    ("name", "time"), [("_part", 9), ("_part", 25), ("_write_bucket", 0), ("_write_bucket", 3)]
)
@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"group": 3, "drop_empty": True, "separator": b"\n"},
        {"shards": 2, "verify": True, "separator": b"\n\n"},
    ],
)
def test_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, time: int, flags: dict[str, Any]
) -> None:
    plain, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    plain.write_bytes(LINES + b"x" * 1000 + b"\nunended")
    packed.write_bytes(gzip.compress(LINES[::-1]))
    out = tmp_path / ("out/{}" if "shards" in flags else "out")
    with monkeypatch.context() as patch:
        stop_at(patch, name, time)
        with pytest.raises(KeyboardInterrupt) as stopped:
            shuffle([plain, packed], out, seed=5, **flags)
    assert "--resume goes on with it" in stopped.value.__notes__[0]
    (folder,) = tmp_path.glob(".*.tmp")
    for path in folder.glob("0-*"):  # what came later is not to be trusted
        path.write_bytes(path.read_bytes() + b"rest")
    places: list[int] = []
    real = module.LocalJob._restore

    def restore(self: Any, *arguments: Any) -> None:  # noqa: ANN401
        real(self, *arguments)
        places.append(self._source.records)

    monkeypatch.setattr(module.LocalJob, "_restore", restore)
    found = shuffle([plain, packed], out, seed=5, resume=True, **flags)
    assert places[0] > 0
    what = [flags.get("separator", b"\n"), flags.get("group", 1), flags.get("drop_empty", False)]
    records = records_of([plain.read_bytes(), LINES[::-1]], *what)
    assert found.records == len(records)
    files = sorted(out.parent.iterdir()) if "shards" in flags else [out]
    assert b"".join(path.read_bytes() for path in files) == expected(records, 5)
    assert list(tmp_path.glob(".*")) == []


def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path) -> Path:
    text = tmp_path / "a.txt"
    text.write_bytes(LINES)
    with monkeypatch.context() as patch:
        stop_at(patch, "_part", 9)
        with pytest.raises(KeyboardInterrupt):
            shuffle([text], out)
    return text


def test_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, other = tmp_path / "out", tmp_path / "other" / "out"
    other.parent.mkdir()
    text = stopped(tmp_path, monkeypatch, out)
    for flags, what in (({"seed": 1}, "seed"), ({"group": 2, "verify": True}, "group, verify")):
        with pytest.raises(RunError, match=f"that was stopped had other {what}; give the same"):
            shuffle([text], out, resume=True, **flags)
    shuffle([text], other, temp=tmp_path)  # of the same name, in another folder
    assert list(tmp_path.glob(".*.tmp"))
    os.utime(text, (0, 0))
    with pytest.raises(RunError, match="had other inputs"):
        shuffle([text], out, resume=True)
    shuffle([text], out)
    assert out.read_bytes() == expected(records_of([LINES]))
    assert list(tmp_path.glob(".*")) == []


def test_buckets_that_have_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    text = stopped(tmp_path, monkeypatch, out)
    next(tmp_path.glob(".*.tmp/0-0-1")).unlink()
    with pytest.raises(RunError, match="0-0-1 has gone; leave out --resume to begin anew"):
        shuffle([text], out, resume=True)


def test_not_enough_room_to_keep_the_buckets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go as the output grows, and there is nothing to go on with after the first pass."""
    text, out = tmp_path / "a.txt", tmp_path / "out"
    text.write_bytes(LINES)

    class Usage:
        free = 5999

    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage)
    stop_at(monkeypatch, "_write_bucket", 1)
    with pytest.raises(KeyboardInterrupt):
        shuffle([text], out)
    assert list(tmp_path.glob(".*")) == []


def test_small_inputs_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "LEAST", 10**10)
    stopped(tmp_path, monkeypatch, tmp_path / "out")
    assert list(tmp_path.glob(".*")) == []

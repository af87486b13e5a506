"""What a zstandard file makes a reader hold is bounded, whatever it holds itself."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import count, read_records, stats
from wenlu.corpus.shuffling import shuffle
from wenlu.corpus.zstd_frames import ZstdFrames, window_within
from wenlu.errors import DataError

zstandard = pytest.importorskip("zstandard")
BLOCK = 128 << 10


def frame(content: bytes, **settings: Any) -> bytes:  # noqa: ANN401
    """A frame that does not say how much it holds, as a pipe makes it."""
    parameters = zstandard.ZstdCompressionParameters(**settings)
    made = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return made.compress(content) + made.flush()


def steps(content: bytes) -> list[int]:
    """How many bytes each step gives to a reader that has room for everything."""
    reader, room = ZstdFrames(io.BytesIO(content)), bytearray(1 << 26)
    return list(iter(lambda: reader.readinto(room), 0))


@pytest.mark.parametrize("checksum", [False, True])
def test_a_step_gives_a_block(checksum: bool) -> None:
    bomb = frame(b"\n" * (32 << 20), write_checksum=checksum)
    assert len(bomb) < 2000
    found = steps(bomb)
    assert sum(found) == 32 << 20
    assert max(found) <= BLOCK


def test_frames_that_are_skipped_and_empty_blocks_hold_nothing() -> None:
    skipped = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
    made = zstandard.ZstdCompressor().compressobj()
    flushed = made.compress(b"ab")
    flushed += made.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + made.flush()
    assert sum(steps(skipped + flushed + skipped + frame(b"c"))) == 3


@pytest.mark.parametrize("place", [0, 1])
def test_damage_is_an_error(place: int) -> None:
    good = frame(b"abc" * 1000, write_checksum=True)
    bad = bytearray(good)
    bad[-1 if place else 10] ^= 255
    with pytest.raises(OSError, match=r"\w"):
        steps(bytes(bad))
    for length in range(1, len(good)):
        with pytest.raises(EOFError, match="ends in the middle"):
            steps(good[:length])


def test_a_window_that_is_too_large_says_what_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the process of all tests, however much it has loaded by now.
    monkeypatch.setattr("wenlu.corpus.shuffling.plan.resident", lambda: 600_000_000)
    path = tmp_path / "a.txt.zst"
    path.write_bytes(frame(b"a\n" * 10, window_log=28))
    said = r"it needs a window of 268 MB, more than the 134 MB .*--long=28, or allow more memory"
    with pytest.raises(DataError, match=said):
        list(read_records(path.rename(tmp_path / "a.csv.zst")))
    path.write_bytes(frame(b"a\n" * 10, window_log=27))
    said = r"cannot be read: it needs a window of 134 MB, more than the"
    for run in (
        lambda: shuffle([path], tmp_path / "out.txt", memory=900_000_000),
        lambda: count([path], tmp_path / "out.tsv", memory=900_000_000, workers=1),
        lambda: stats([path], memory=900_000_000, workers=1),
    ):
        with pytest.raises(DataError, match=said):
            run()
    assert window_within(1 << 40) == 1 << 27
    assert window_within(0) == 1 << 23


def test_a_dictionary_is_not_guessed() -> None:
    words = zstandard.ZstdCompressionDict(b"abcdefgh" * 100)
    trained = zstandard.train_dictionary(2000, [b"abc%d" % n * 20 for n in range(500)])
    assert sum(steps(zstandard.ZstdCompressor(dict_data=words).compress(b""))) == 0
    with pytest.raises(OSError, match=rf"needs dictionary {trained.dict_id()}"):
        steps(zstandard.ZstdCompressor(dict_data=trained).compress(b"abc1abc1"))


_PEAK = """
import sys
from pathlib import Path
from wenlu.cli.main import run
code = run(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(code, int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("command", ["shuffle", "count", "stats"])
def test_a_gigabyte_stays_within_the_memory(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt.zst"
    with path.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as out:
        for _ in range(1000):
            out.write((b"a" * 999 + b"\n") * 1000)
    assert path.stat().st_size < 200_000
    line = ["corpus", command, str(path), "--memory", "190MB"]
    if command == "shuffle":
        line += ["--out", str(tmp_path / "out.txt")]
    else:
        line += ["--workers", "1"]
        line += ["--out", str(tmp_path / "out.tsv")] if command == "count" else []
    ran = subprocess.run([sys.executable, "-c", _PEAK, *line], capture_output=True, text=True)
    code, peak = map(int, ran.stdout.splitlines()[-1].split())
    assert (code, ran.stderr.count("error")) == (0, 0)
    assert peak * 1.05 < 190

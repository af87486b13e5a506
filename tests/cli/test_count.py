import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Cli, leftovers, lines

ROWS: list[dict[str, object]] = [{"text": f"今天上海的天气不错 wenlu{n % 3}"} for n in range(30)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.jsonl"
    path.write_text(lines(ROWS), "utf-8")
    return path


def test_a_table_for_people(cli: Cli, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "words.tsv"
    said = cli("corpus", "count", text, "--out", out, "--top", 3)
    assert (said.code, said.err) == (0, "")
    assert "1 file of 0.0 MB; 1 process within 500 MB of memory" in said.out
    assert "180 words, 8 of them different, in text of 480 characters" in said.out
    assert f"3 written to {out}, which are 50.00% of all" in said.out
    assert out.read_text("utf-8") == "word\tcount\n上海\t30\n不错\t30\n今天\t30\n"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("flags", "first"),
    [
        (("--unit", "char"), "char\tcount\ne\t30\n"),
        (("--unit", "ngram", "--n", "3"), "ngram\tcount\nenl\t30\n"),
        (("--unit", "token"), "token\tcount\nw\t30\n"),
        (("--unit", "word", "--min-count", "31"), "word\tcount\n"),
    ],
)
def test_units(cli: Cli, text: Path, tmp_path: Path, flags: tuple[str, ...], first: str) -> None:
    out = tmp_path / "out.tsv"
    assert cli("corpus", "count", text, "--out", out, *flags).code == 0
    assert out.read_text("utf-8").split("\n")[0] == first.split("\n")[0]


def test_as_json_with_a_picture(cli: Cli, text: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out, plot = tmp_path / "out.tsv", tmp_path / "zipf.svg"
    said = cli("corpus", "count", text, "--out", out, "--plot", plot, "--json")
    assert said.err == ""
    assert json.loads(said.out) == {
        "output": str(out),
        "plot": str(plot),
        "unit": "word",
        "units": 180,
        "different": 8,
        "written": 8,
        "written_units": 180,
        "characters": 480,
        "spills": 0,
    }
    assert "<svg" in plot.read_text("utf-8")


@pytest.mark.parametrize(
    ("flags", "code", "problem"),
    [
        ("", 2, "--out requires an argument"),
        ("--out {out} --n 3", 2, "--n goes with --unit ngram"),
        ("--out {out} --vocab v", 2, "--vocab goes with --unit token"),
        ("--out {out} --plot {out}", 2, "give two names"),
        ("--out {out} --plot z.gif", 1, "must end in .png, .svg, .pdf"),
        ("--out {out} --memory 1GG", 1, "'1GG' is no amount of memory"),
        ("--out {out} --memory 90MB", 1, "too little"),
        ("--out {out} --field body", 1, "line 1, field 'body': the row has no such field"),
        ("--out nowhere/{out}", 1, "there is no folder"),
    ],
)
def test_what_does_not_work(
    cli: Cli, text: Path, tmp_path: Path, flags: str, code: int, problem: str
) -> None:
    out = tmp_path / "out.tsv"
    said = cli("corpus", "count", text, *flags.format(out=out).split())
    assert said.code == code
    assert problem in said.err
    assert not out.exists()
    assert leftovers(tmp_path) == []


def test_no_pictures_without_the_extra(
    cli: Cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plot = tmp_path / "zipf.png"
    said = cli("corpus", "count", text, "--out", tmp_path / "out.tsv", "--plot", plot)
    assert said.code == 1
    assert "pip install 'wenlu[plot]'" in said.err


def test_statistics(cli: Cli, text: Path, tmp_path: Path) -> None:
    said = cli("corpus", "stats", text)
    assert (said.code, said.err) == (0, "")
    assert "lines       30, 0 of them empty" in said.out
    assert "duplicates  27 lines (90.00%) have come before" in said.out
    assert f"{'16–31':>19}  {'█' * 40}  30" in said.out
    found = json.loads(cli("corpus", "stats", text, "--json").out)
    assert (found["lines"], found["different"], found["duplicates"]) == (30, 3, 27)
    (tmp_path / "empty").write_bytes(b"")
    assert "lines       0, 0 of them empty" in cli("corpus", "stats", tmp_path / "empty").out
    assert cli("corpus", "stats").code == 2
    assert leftovers(tmp_path) == []


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text whose 3-grams are nearly all different, in short lines and long ones."""
    chance = random.Random(0)
    path = tmp_path_factory.mktemp("large") / "large.txt"
    hanzi = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(500):
            file.write("".join(chance.choices(hanzi, k=chance.choice((5, 50, 3000)))) + "\n")
    return path


def start(source: Path, out: Path, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wenlu", "corpus", "count", str(source), "--out", str(out)]
    return subprocess.Popen([*command, "--unit", "ngram", "--n", "3", *flags])


def children(process: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{process}/task").glob("*/children")
            for child in task.read_text().split()
        ]
    except OSError:
        return []


def resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_all_processes_together_stay_within_the_memory(large: Path, tmp_path: Path) -> None:
    peak = 0
    with start(large, tmp_path / "out.tsv", "--workers", "2", "--memory", "480MB") as program:
        while program.poll() is None:
            peak = max(peak, sum(map(resident, [program.pid, *children(program.pid)])))
            time.sleep(0.01)
    assert program.returncode == 0
    assert 10**8 < peak < 480 * 10**6
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_whoever_stops_it_finds_nothing(
    number: signal.Signals, code: int, large: Path, tmp_path: Path
) -> None:
    with start(large, tmp_path / "out.tsv", "--workers", "2") as program:
        while not leftovers(tmp_path):
            assert program.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        workers = children(program.pid)
        program.send_signal(number)
        assert program.wait(30) == code
    assert list(tmp_path.iterdir()) == []
    end = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.02)

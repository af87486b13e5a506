import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.atomic import sweep_leftovers
from wenlu.corpus import (
    TokenCorpus,
    TokenStatistics,
    parallel,
    split_sentences,
    tokens,
    vocabulary_fingerprint,
    write_tokens,
)
from wenlu.errors import ConfigError, DataError, RunError
from wenlu.text import CASED, Tokenizer

WORDS = ["今天", "上海", "的", "天气", "研究生", "，", "。", "！", "x1", "wenlu", "\n", "。”", "𠮷"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIAL, *"今天上海的气研究，。！”x", "##1", "wen", "##lu"]
TOKENIZER = Tokenizer.from_tokens(TOKENS)


def write_rows(path: Path, texts: list[str], source: str | None = None) -> Path:
    rows = [
        {"text": text} if source is None else {"text": text, "source": source} for text in texts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def some_texts(count: int) -> list[str]:
    rng = random.Random(count)
    return ["".join(rng.choices(WORDS, k=rng.randint(0, 30))) for _ in range(count)]


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def sentences_of(corpus: TokenCorpus) -> list[list[list[int]]]:
    """The documents, each its sentences, each its tokens."""
    documents = []
    for a, b in pairwise(corpus.documents):
        ends = corpus.sentences[a : b + 1]
        documents.append([corpus.tokens[c:d].tolist() for c, d in pairwise(ends)])
    return documents


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_BATCH", 1000)


@settings(max_examples=10, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map("".join), max_size=8))
def test_the_same_as_sentence_by_sentence(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tokens")
    texts.append("天气")
    path = write_rows(folder / "a.jsonl", texts)
    made = write_tokens([path], TOKENIZER, folder / "out", workers=1)
    corpus = TokenCorpus(folder / "out")
    expected = [
        [ids for sentence in split_sentences(text) if (ids := TOKENIZER.encode(sentence).ids)]
        for text in texts
    ]
    kept = [document for document in expected if document]
    assert sentences_of(corpus) == kept
    assert made == corpus.statistics
    assert made.dropped == len(expected) - len(kept)
    assert made.documents == len(kept) == len(corpus.document_sources)
    assert made.tokens == sum(len(ids) for document in kept for ids in document)
    assert made.words == corpus.word_starts.sum()
    assert corpus.word_starts[corpus.sentences[:-1]].all()
    assert made.unknown_share == np.mean(corpus.tokens == TOKENIZER.unknown_id)


@pytest.mark.usefixtures("small_batches")
def test_workers_and_compression_change_nothing(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    a = write_rows(tmp_path / "a.jsonl", some_texts(300), "甲")
    b = write_rows(tmp_path / "b.jsonl", some_texts(301))
    told: list[tuple[int, int]] = []
    write_tokens([a, b], TOKENIZER, tmp_path / "one", workers=1)
    write_tokens(
        [a, b], TOKENIZER, tmp_path / "two", workers=2, progress=lambda *it: told.append(it)
    )
    assert content(tmp_path / "one") == content(tmp_path / "two")
    total = a.stat().st_size + b.stat().st_size
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == (total, total)
    packed = tmp_path / "b.jsonl.zst"
    packed.write_bytes(zstandard.compress(b.read_bytes()))
    write_tokens([a, packed], TOKENIZER, tmp_path / "packed", workers=1)
    one, other = TokenCorpus(tmp_path / "one"), TokenCorpus(tmp_path / "packed")
    assert one.fingerprint == other.fingerprint
    assert one.sources == ["甲", "b.jsonl"]
    assert other.sources == ["甲", "b.jsonl.zst"]
    assert set(one.document_sources[:250]) == {0}
    assert one.document_sources[-1] == 1


def test_what_the_folder_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff今天，天气！x1\r\nwenlu。\r\n\r\n𠮷\r\n".encode())
    made = write_tokens([path], TOKENIZER, tmp_path / "deep" / "out")
    assert made == TokenStatistics(
        documents=2,
        dropped=0,
        sentences=4,
        tokens=12,
        words=8,
        characters=15,
        unknown=1,
        bytes=path.stat().st_size,
    )
    corpus = TokenCorpus(tmp_path / "deep" / "out")
    assert repr(corpus) == f"TokenCorpus(12 tokens, 2 documents, {corpus.folder})"
    pieces = TOKENIZER.tokens(corpus.tokens.tolist())
    assert "".join(pieces) == "今天，天气！x##1wen##lu。[UNK]"
    assert corpus.word_starts.tolist() == [bool(int(it)) for it in "101101101011"]
    assert corpus.sentences.tolist() == [0, 6, 8, 11, 12]
    assert corpus.documents.tolist() == [0, 3, 4]
    assert corpus.tokens.dtype == np.uint16
    assert isinstance(corpus.tokens.base, np.memmap)
    assert not corpus.tokens.flags.writeable
    assert corpus.tokenizer().vocabulary == TOKENS
    assert corpus.vocabulary_fingerprint == vocabulary_fingerprint(TOKENIZER)
    again = pickle.loads(pickle.dumps(corpus))
    assert again.tokens.tolist() == corpus.tokens.tolist()
    assert len(pickle.dumps(corpus)) < 1000


def test_a_large_vocabulary(tmp_path: Path) -> None:
    spare = [f"[unused{number}]" for number in range(1 << 16)]
    path = write_rows(tmp_path / "a.jsonl", ["天气"])
    write_tokens([path], Tokenizer.from_tokens([*SPECIAL, *spare, "天"]), tmp_path / "out")
    corpus = TokenCorpus(tmp_path / "out")
    assert corpus.tokens.dtype == np.uint32
    assert corpus.tokens.tolist() == [len(SPECIAL) + len(spare), 1]


def test_fingerprints_tell_apart(tmp_path: Path) -> None:
    found = set()
    for number, (text, tokenizer) in enumerate(
        [
            ("今天。天气", TOKENIZER),
            ("今天，天气", TOKENIZER),
            ("今天。\n\n天气", TOKENIZER),
            ("今天。天气", Tokenizer.from_tokens([*TOKENS, "好"])),
            ("今天。天气", Tokenizer.from_tokens(TOKENS, CASED)),
        ]
    ):
        path = tmp_path / "a.txt"
        path.write_text(text, "utf-8")
        write_tokens([path], tokenizer, tmp_path / str(number))
        found.add(TokenCorpus(tmp_path / str(number)).fingerprint)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['{"text": "天"}', '{"body": "天"}'], "line 2, field 'text'.*'body'"),
        (['{"text": "天"}', "天"], "line 2: not valid JSON"),
        (['{"text": " "}', '{"text": ""}'], "no document has a single token"),
        ([], "the file has no text"),
    ],
)
def test_bad_input_leaves_nothing(lines: list[str], problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(DataError, match=problem):
        write_tokens([path], TOKENIZER, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.usefixtures("small_batches")
def test_bad_input_far_on_ends_the_workers(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", some_texts(500))
    with path.open("a") as file:
        file.write('{"text": 1}\n')
    with pytest.raises(DataError, match="line 501, field 'text': the number 1 came"):
        write_tokens([path], TOKENIZER, tmp_path / "out", workers=2)
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


def test_settings_and_folders_that_cannot_be(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", ["天气"])
    with pytest.raises(ConfigError, match="workers is 0; it must be 1 or more"):
        write_tokens([path], TOKENIZER, tmp_path / "out", workers=0)
    with pytest.raises(RunError, match="exists already"):
        write_tokens([path], TOKENIZER, tmp_path)
    with pytest.raises(DataError, match="no files came"):
        write_tokens([], TOKENIZER, tmp_path / "out")


@pytest.mark.parametrize("count", [10, 400])
def test_a_full_disk_leaves_nothing(tmp_path: Path, count: int) -> None:
    resource = pytest.importorskip("resource")
    path = write_rows(tmp_path / "a.jsonl", some_texts(count))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count * 10, before[1]))  # of any one file
    try:
        with pytest.raises(RunError, match=r"cannot write .*out.*: File too large"):
            write_tokens([path], TOKENIZER, tmp_path / "out", workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


def test_folders_that_are_no_corpus(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", some_texts(9))
    with pytest.raises(DataError, match="no corpus of tokens"):
        TokenCorpus(tmp_path)
    out = tmp_path / "out"
    write_tokens([path], TOKENIZER, out)
    array, summary = out / "sentences.npy", out / "corpus.json"
    whole = array.read_bytes()
    array.write_bytes(whole[:-8])
    with pytest.raises(DataError, match=r"sentences\.npy: the file is missing or damaged"):
        TokenCorpus(out)
    np.save(array, np.zeros(3))
    with pytest.raises(DataError, match=r"sentences\.npy: the file has shape \(3,\)"):
        TokenCorpus(out)
    array.unlink()
    with pytest.raises(DataError, match=r"sentences\.npy: the file is missing or damaged"):
        TokenCorpus(out)
    array.write_bytes(whole)
    state = json.loads(summary.read_text())
    for content, problem in (
        ("{", "damaged"),
        ("[]", "damaged"),
        (json.dumps({**state, "format": 99}), "format 99, and this version reads 1"),
    ):
        summary.write_text(content)
        with pytest.raises(DataError, match=problem):
            TokenCorpus(out)


SCRIPT = """
import sys
from wenlu.corpus import tokens, write_tokens
from wenlu.text import Tokenizer

if __name__ == "__main__" or "unguarded" in sys.argv:
    tokens._BATCH = 1000
    folder = sys.argv[1]
    write_tokens(
        [f"{folder}/a.jsonl"],
        Tokenizer.from_vocab(f"{folder}/vocab.txt"),
        f"{folder}/out",
        workers=2,
        progress=lambda done, total: print(done, flush=True),
    )
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A folder with a script and a lot of text for it."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), "utf-8")
    write_rows(tmp_path / "a.jsonl", some_texts(100) * 1000)
    return tmp_path


def children(process: int) -> list[int]:
    try:
        return [
            int(it) for it in Path(f"/proc/{process}/task/{process}/children").read_text().split()
        ]
    except OSError:
        return []


def alive(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


@pytest.fixture
def running(script: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """The script in the middle of its work, and the processes it has started."""
    command = [sys.executable, str(script / "script.py"), str(script)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline(), process.communicate()[1]
        started = children(process.pid)
        assert len(started) >= 2
        yield process, started
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed(
    running: tuple[subprocess.Popen[str], list[int]], script: Path, how: signal.Signals
) -> None:
    process, started = running
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as Ctrl-C in a terminal: all of them hear it
    else:
        process.send_signal(how)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == -how
    deadline = time.monotonic() + 10
    while any(map(alive, started)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, started))
    if how == signal.SIGINT:
        assert said.count("Traceback") == 1
        assert "KeyboardInterrupt" in said
    else:
        sweep_leftovers(script)
    names = {"a.jsonl", "script.py", "vocab.txt"}
    assert {path.name for path in script.iterdir()} == names


def test_a_script_without_a_guard_is_told_so(script: Path) -> None:
    command = [sys.executable, str(script / "script.py"), str(script), "unguarded"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RunError: a process that cut text ended suddenly" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr
    assert not (script / "out").exists()


def test_cores() -> None:
    assert 1 <= parallel.cores() <= (os.cpu_count() or 1)

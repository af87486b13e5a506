import importlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rjieba
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.assets import asset
from wenlu.corpus import NGrams, SingleCharacters, Tokens, Words, blocks, count
from wenlu.corpus.counting import Unit, units
from wenlu.errors import ConfigError, DataError, RunError, WenluError
from wenlu.text import Tokenizer

module = importlib.import_module("wenlu.corpus.counting.count")

VOCABULARY = asset("vocabulary", "vocab.txt")
NASTY = st.text(
    st.sampled_from(
        "文炉我们北京大学的，。!?… \t\r\x0b\x1c\x85\u2028\u3000\ufeff"
        "abC12.-+#%é한が𠮷👍🏽\u200b\u0301\x01"
    )
    | st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"),
    max_size=24,
)
TEXTS = st.lists(NASTY, max_size=12)
EACH = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

jieba = rjieba.Jieba()
tokenizer = Tokenizer.from_vocab(VOCABULARY)


def grams(text: str, n: int) -> Iterator[str]:
    for start in range(len(text) - n + 1):
        if not any(map(str.isspace, text[start : start + n])):
            yield text[start : start + n]


CASES: dict[str, tuple[Unit, Callable[[str], Iterator[str] | list[str]]]] = {
    "word": (Words(), lambda text: [word for word in jieba.cut(text) if not word.isspace()]),
    "char": (SingleCharacters(), lambda text: grams(text, 1)),
    "bigram": (NGrams(2), lambda text: grams(text, 2)),
    "trigram": (NGrams(3), lambda text: grams(text, 3)),
    "long": (NGrams(12), lambda text: grams(text, 12)),
    "token": (Tokens(VOCABULARY), lambda text: tokenizer.tokens(tokenizer.encode(text).ids)),
}


def naive(texts: list[str], cut: Callable[[str], Iterator[str] | list[str]]) -> Counter[str]:
    return Counter(unit for text in texts for unit in cut(text))


def table(path: Path) -> list[tuple[str, int]]:
    lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    return [(word, int(times)) for word, times in (line.split("\t") for line in lines[1:])]


def ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks of some lines and tables of some words; the memory to ask for."""
    monkeypatch.setattr(blocks, "BLOCK", 100)
    monkeypatch.setattr(module, "BLOCK", 100)
    monkeypatch.setattr(units, "PIECE", 32)
    monkeypatch.setattr(rjieba, "Jieba", lambda: jieba)  # reading the dictionary takes a while
    monkeypatch.setattr(module, "_LEAST", 0)
    return module.START + 4_000


@pytest.mark.parametrize("case", CASES)
@EACH
@given(texts=TEXTS)
def test_rows_are_counted_as_naive_code_counts_them(
    case: str, texts: list[str], tmp_path: Path, cramped: int
) -> None:
    unit, cut = CASES[case]
    source, out = tmp_path / "a.jsonl", tmp_path / "out.tsv"
    rows = [*texts, "\0a\0"] if case == "bigram" else texts
    source.write_text("".join(json.dumps({"text": text}) + "\r\n" for text in rows), "utf-8")
    found = count([source], out, unit, memory=cramped)
    counts = naive(rows, cut)
    assert table(out) == ordered(counts)
    assert (found.units, found.different) == (counts.total(), len(counts))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("case", CASES)
@EACH
@given(texts=TEXTS, least=st.integers(1, 3), top=st.none() | st.integers(1, 5))
def test_lines_are_counted_as_naive_code_counts_them(
    case: str, texts: list[str], least: int, top: int | None, tmp_path: Path, cramped: int
) -> None:
    unit, cut = CASES[case]
    source, out = tmp_path / "a.txt", tmp_path / "out.tsv"
    source.write_bytes(b"\xef\xbb\xbf" + "\n".join(texts).encode())
    count([source], out, unit, memory=cramped, min_count=least, top=top)
    counts = naive([text.removesuffix("\r") for text in texts], cut)
    kept = [(word, times) for word, times in ordered(counts) if times >= least]
    assert table(out) == kept[:top]


def test_a_limit_holds_for_the_sum_and_not_for_parts(tmp_path: Path) -> None:
    sources = [tmp_path / f"{name}.txt" for name in "123"]
    for source, text in zip(sources, ("a b a", "b c", "a"), strict=True):
        source.write_text(text)
    count(sources, tmp_path / "all.tsv")
    assert (tmp_path / "all.tsv").read_text() == "word\tcount\na\t3\nb\t2\nc\t1\n"
    found = count(sources, tmp_path / "some.tsv", min_count=2)
    assert table(tmp_path / "some.tsv") == [("a", 3), ("b", 2)]
    assert (found.units, found.different, found.written, found.written_units) == (6, 3, 2, 5)
    assert found.curve == ((1, 3), (2, 2))


def test_neither_memory_nor_processes_change_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.txt"
    lines = [f"今天第{number * number % 7919}次去北京大学" for number in range(20_000)]
    source.write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(blocks, "BLOCK", 1 << 16)
    whole = count([source], tmp_path / "whole.tsv", NGrams(4), workers=1)
    shared = count([source], tmp_path / "shared.tsv", NGrams(4), workers=2)
    monkeypatch.setattr(module, "_LEAST", 0)
    few = module.START + 14_000_000
    cramped = count([source], tmp_path / "cramped.tsv", NGrams(4), memory=few, workers=1)
    assert whole.spills == shared.spills == 0
    assert cramped.spills > 2
    first = (tmp_path / "whole.tsv").read_bytes()
    assert (tmp_path / "shared.tsv").read_bytes() == first
    assert (tmp_path / "cramped.tsv").read_bytes() == first
    assert table(tmp_path / "whole.tsv") == ordered(naive(lines, lambda text: grams(text, 4)))
    assert (whole.curve, whole.characters) == (shared.curve, shared.characters)


def test_a_long_line_is_counted_piece_by_piece(tmp_path: Path) -> None:
    text = "我们去北京大学，Python很好用。" * 20_000
    (tmp_path / "a.txt").write_text(text, "utf-8")
    for case in ("word", "bigram", "token"):
        unit, cut = CASES[case]
        count([tmp_path / "a.txt"], tmp_path / "out.tsv", unit)
        assert table(tmp_path / "out.tsv") == ordered(naive([text], cut))


@pytest.mark.parametrize("content", ["", "\n", "\n" * 10_000, " \r\n\u3000\n", "\ufeff"])
def test_nothing_to_count(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(content, "utf-8", newline="")
    found = count([tmp_path / "a.txt"], tmp_path / "out.tsv")
    assert (found.units, found.curve) == (0, ())
    assert (tmp_path / "out.tsv").read_text() == "word\tcount\n"


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "a.txt").write_text("一二一", "utf-8")
    count([tmp_path / "a.txt"], tmp_path / "out.parquet", SingleCharacters())
    found = parquet.read_table(tmp_path / "out.parquet")
    assert found.to_pydict() == {"char": ["一", "二"], "count": [2, 1]}
    (tmp_path / "a.txt").write_text("", "utf-8")
    count([tmp_path / "a.txt"], tmp_path / "out.parquet", SingleCharacters())
    assert parquet.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    inside = tmp_path / "in" / "deep"
    inside.mkdir(parents=True)
    (inside / "a.txt").write_text("一")
    (tmp_path / "in" / "b.jsonl").write_text('{"text": "一二"}')
    (tmp_path / "in" / ".hidden").write_bytes(b"\0")
    count([tmp_path / "in"], tmp_path / "out.tsv", SingleCharacters())
    assert table(tmp_path / "out.tsv") == [("一", 2), ("二", 1)]
    (tmp_path / "in" / "c.png").write_bytes(b"\0\1")
    with pytest.raises(DataError, match=r"1 files of other kinds, such as c\.png"):
        count([tmp_path / "in"], tmp_path / "out.tsv")


BAD = [
    ("a.txt", "一\n二\n\0".encode(), r"a\.txt, line 3: a NUL byte stands at byte 1"),
    ("a.txt", "一\n二\n".encode() + "三".encode("gb18030"), "line 3: not UTF-8.*GB18030"),
    ("a.txt", "一二".encode("utf-16"), "UTF-16"),
    ("a.jsonl", b'{"text": "1"}\n\n{"text": 3}', "line 3, field 'text': the number 3 came"),
    ("a.jsonl", b'{"text": "1"}\n{"body": ""}', "line 2, field 'text': .* its fields is .*'body'"),
    ("a.jsonl", b'{"text": "1"}\n{"text": "1"', "line 2: not valid JSON"),
    ("a.jsonl", b'{"text": "\\ud800"}', "lone surrogate"),
    ("a.jsonl", b"[1]", "line 1: a list came"),
    ("a.csv", b"text", "files that end in '.csv' cannot be read as text"),
]


@pytest.mark.parametrize(("name", "content", "problem"), BAD)
def test_what_cannot_be_read(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=problem):
        count([tmp_path / name], tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_first_bad_line_is_named_whoever_finds_one_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    lines = ["我们去北京大学" * 9] * 300
    lines[150] = lines[151] = lines[299] = "\0"
    (tmp_path / "a.txt").write_text("\n".join(lines), "utf-8")
    with pytest.raises(DataError, match="line 151: a NUL byte"):
        count([tmp_path / "a.txt"], tmp_path / "out.tsv", workers=2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"min_count": 0}, "min_count is 0"),
        ({"top": 0}, "top is 0"),
        ({"workers": 0}, "workers is 0"),
        ({"memory": 10**8}, "100 MB of memory is too little for 1 process"),
        ({"memory": 3 * 10**8, "workers": 4}, "give at least 800 MB, or fewer workers"),
        ({"out": "out.csv"}, r"must end in \.tsv or \.parquet"),
        ({"out": "a.tsv"}, "a.tsv is also an input"),
    ],
)
def test_what_cannot_work(settings: dict[str, object], problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一")
    os.link(tmp_path / "a.txt", tmp_path / "a.tsv")
    out = tmp_path / str(settings.pop("out", "out.tsv"))
    with pytest.raises(ConfigError, match=problem):
        count([tmp_path / "a.txt"], out, **settings)  # type: ignore[arg-type]
    assert (tmp_path / "a.tsv").read_text() == "一"


def test_n() -> None:
    with pytest.raises(ConfigError, match="n is 0"):
        NGrams(0)


def test_a_token_with_white_space(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na b\n")
    with pytest.raises(ConfigError, match="'a b' has white space in it"):
        Tokens(tmp_path / "vocab.txt").load()


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    (tmp_path / "a.txt").write_text("一")
    monkeypatch.setattr(module, "write_run", full)
    with pytest.raises(RunError, match=os.strerror(28)) as caught:
        count([tmp_path / "a.txt"], tmp_path / "out.tsv")
    assert isinstance(caught.value, WenluError)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]

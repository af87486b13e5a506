import gzip
import json
from pathlib import Path

import pytest

from wenlu.corpus import TokenCorpus, read_groups, split_sentences, write_tokens
from wenlu.corpus.sentences import line_starts
from wenlu.errors import DataError
from wenlu.text import Tokenizer

TOKENIZER = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"今天气好吗很研究生，。？"])


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_pair_or_a_list(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"a": "今天好吗？很好。", "b": "天气好", "source": "问答"},
        {"texts": ["今天", "天气", "很好"], "a": "没有人看"},
        {"texts": ["今天"], "source": 3},
        {"b": "一\n二\r\n三", "a": ""},
    )
    assert [(one.text, one.source) for one in read_groups([path])] == [
        ("今天好吗？很好。\n天气好", "问答"),
        ("今天\n天气\n很好", "a.jsonl"),
        ("今天", "a.jsonl"),
        ("\n一 二  三", "a.jsonl"),
    ]


def test_bytes_are_counted_over_files(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jsonl", {"a": "今", "b": "天"})
    b = tmp_path / "b.jsonl.gz"
    b.write_bytes(gzip.compress(a.read_bytes()))
    read = [one.read for one in read_groups([b, a])]
    assert read == [b.stat().st_size, b.stat().st_size + a.stat().st_size]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"a": "今天", "c": "天气"},
            "line 1, field 'b': the row has no such field; a group of similar sentences stands in "
            "the fields 'a' and 'b', or as a list in 'texts', and the fields of this row are "
            "'a', 'c'",
        ),
        ({"text": "今天"}, "line 1, field 'a': the row has no such field; a group of similar"),
        ({"a": "今天", "b": 3}, "field 'b': the number 3 came; it must be a string"),
        ({"texts": "今天"}, "field 'texts': it must be a list of strings"),
        ({"texts": ["今天", None]}, "field 'texts[1]': null came; it must be a string"),
        ({"texts": ["今天", "\ud83d"]}, "field 'texts[1]': a lone surrogate"),
    ],
)
def test_rows_that_are_no_group(row: object, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row)
    with pytest.raises(DataError) as error:
        list(read_groups([path]))
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_files_that_hold_no_groups(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file has no rows"):
        list(read_groups([write(tmp_path / "a.jsonl")]))
    (tmp_path / "a.txt").write_text("今天", "utf-8")
    with pytest.raises(DataError, match=r"files that end in '\.txt' cannot be read as text"):
        write_tokens([tmp_path / "a.txt"], TOKENIZER, tmp_path / "out", groups=True)


def test_lines() -> None:
    text = "今天好吗？很好。\n\n天气；好\u2028\r\n"
    starts = line_starts(text)
    assert [text[start:].split("\n")[0].strip("\u2028\r") for start in starts] == [
        "今天好吗？很好。",
        "天气；好",
    ]
    assert line_starts("") == [0]
    assert len(split_sentences(text)) == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sentence_of_a_group_stays_whole(workers: int, tmp_path: Path) -> None:
    groups = [["今天好吗？很好。", "研究生，很好"], ["。", "\t"], ["", " "], ["天气。好"] * 3]
    path = write(tmp_path / "a.jsonl", *({"texts": texts} for texts in groups))
    made = write_tokens([path], TOKENIZER, tmp_path / "out", groups=True, workers=workers)
    corpus = TokenCorpus(tmp_path / "out")
    assert corpus.groups
    assert corpus.documents.tolist() == [0, 2, 3, 6]
    assert corpus.sentences.tolist() == [0, 8, 14, 15, 19, 23, 27]
    words = "".join("今天好吗？很好。研究生，很好。" + 3 * "天气。好")
    assert TOKENIZER.tokens(corpus.tokens.tolist()) == list(words)
    assert corpus.word_starts[8:14].tolist() == [True, False, False, True, True, True]
    assert (made.documents, made.dropped, made.sentences) == (3, 1, 6)


def test_text_is_no_groups(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("今天", "utf-8")
    write_tokens([tmp_path / "a.txt"], TOKENIZER, tmp_path / "out", workers=1)
    assert not TokenCorpus(tmp_path / "out").groups

"""Keywords before abstracts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wenlu.assets import asset
from wenlu.corpus import write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.clue.csl import CSL
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer

EndToEnd = Callable[..., dict[str, Any]]
CLUE = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "tasks" / "clue"


def test_keywords_come_first_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    row = {"id": 5, "abst": "摘要" * 100, "keyword": ["绘本", "词汇学习"], "label": "1"}
    write_jsonl(path, [row])
    [example] = CSL.read(path)
    assert (example.id, example.texts[0], example.label) == ("5", "绘本；词汇学习", "1")
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    rows = CSL.encode([example], tokenizer, max_length=32, segments=True)
    ids = rows.data.batch(np.arange(1)).ids[0].tolist()
    assert "".join(tokenizer.tokens(ids[:9])) == "[CLS]绘本；词汇学习[SEP]"
    assert (len(ids), rows.cut) == (32, 1)


@pytest.mark.parametrize("keywords", ["绘本，词汇学习", None, ["绘本", 3], {"绘本": 1}])
def test_keywords_that_are_no_list(keywords: object, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_jsonl(path, [{"abst": "摘要", "keyword": keywords, "label": "1"}])
    with pytest.raises(DataError, match="there must be a list of keywords") as caught:
        CSL.read(path)
    assert (caught.value.line, caught.value.field) == (1, "keyword")


def test_what_else_is_odd(tmp_path: Path) -> None:
    path, notes = tmp_path / "train.json", Notes()
    write_jsonl(path, [{"abst": "摘要", "keyword": [], "label": "1"}])
    assert CSL.read(path, notes=notes)[0].texts == ("", "摘要")
    assert notes == {"rows without keywords": 1}
    path.write_text('{"abst": "摘要", "keyword": ["\\ud800"], "label": "1"}', "utf-8")
    with pytest.raises(DataError, match=r"a lone surrogate, \\ud800, stands at index 0"):
        CSL.read(path)


@pytest.mark.skipif(not CLUE.is_dir(), reason="needs the benchmark's data in ../shared")
@pytest.mark.parametrize(("split", "rows"), [("train.jsonl", 160), ("dev.jsonl", 160)])
def test_the_benchmark(split: str, rows: int) -> None:
    notes = Notes()
    examples = CSL.read(CLUE / "csl" / split, notes=notes)
    assert len(examples) == rows
    assert not notes
    assert all("；" in example.texts[0] and example.texts[1] for example in examples)


@pytest.mark.skipif(not CLUE.is_dir(), reason="needs the benchmark's data in ../shared")
def test_the_test_set_of_the_benchmark() -> None:
    examples = CSL.read(CLUE / "csl" / "test.jsonl.zst", labelled=False)
    assert len(examples) == len({example.id for example in examples}) > 2000


def test_the_sample(end_to_end: EndToEnd) -> None:
    found = end_to_end("keywords")
    assert found["splits"]["train"]["rows"] >= 150

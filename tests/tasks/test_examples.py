import gzip
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import DataError
from wenlu.tasks.examples import (
    Example,
    Oddities,
    find_schema,
    find_split,
    hold_out,
    need_split,
    oddities,
    shared,
)


def examples(*rows: tuple[str, str]) -> list[Example]:
    return [Example(str(i), (text,), label) for i, (text, label) in enumerate(rows)]


# Where the splits of a folder are


@pytest.mark.parametrize(
    ("files", "stems", "found"),
    [
        (["train.json"], ["train"], "train.json"),
        (["train.jsonl.zst"], ["train"], "train.jsonl.zst"),
        (["train.csv.gz", "dev.csv"], ["train"], "train.csv.gz"),
        (["train.ndjson"], ["train"], "train.ndjson"),
        (["valid.tsv"], ["dev", "validation", "valid"], "valid.tsv"),
        (["train.tsv", "train.json"], ["train"], "train.json"),
        (["train.3k.json", "train.50k.json"], ["train.50k", "train", "train.3k"], "train.50k.json"),
        (["train.json", "train.50k.json"], ["train.50k", "train"], "train.50k.json"),
        (["test.json", "train.txt", "train"], ["train"], None),
    ],
)
def test_find_split(files: list[str], stems: list[str], found: str | None, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert find_split(tmp_path, stems) == ([] if found is None else [tmp_path / found])


def test_a_folder_is_no_split(tmp_path: Path) -> None:
    (tmp_path / "train.json").mkdir()
    assert find_split(tmp_path, ["train"]) == []


def test_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        need_split(tmp_path / "nothing", ["train"], "training")
    with pytest.raises(DataError, match=r"no training file: .*; the folder holds nothing"):
        need_split(tmp_path, ["train"], "training")
    (tmp_path / "notes.txt").touch()
    message = (
        r"no test file: looked for test1\.0 or test with one of \.json, \.jsonl, \.ndjson, \.csv, "
        r"\.tsv; the folder holds notes\.txt"
    )
    with pytest.raises(DataError, match=message):
        need_split(tmp_path, ["test1.0", "test"], "test")
    with gzip.open(tmp_path / "test.csv.gz", "wt") as file:
        file.write("text,label\n")
    assert [p.name for p in need_split(tmp_path, ["test"], "test")] == ["test.csv.gz"]


# Where the schema is


@pytest.mark.parametrize(
    "name", ["schema.json", "SCHEMA.JSON", "DuIE_Schema.jsonl", "event_schema.json.gz"]
)
def test_the_schema_beside_a_file(name: str, tmp_path: Path) -> None:
    train = tmp_path / "train.json"
    others = ["._schema.json", ".schema.json", "schema.json.bak", "schema.txt", "a.json.schema"]
    for other in [train.name, *others]:
        (tmp_path / other).touch()
    (tmp_path / "schemas.json").mkdir()
    assert find_schema(train) is None
    (tmp_path / name).touch()
    assert find_schema(train) == tmp_path / name
    (tmp_path / "schema_old.jsonl").touch()
    with pytest.raises(
        DataError, match=rf"{name}, schema_old\.jsonl could all be .*: --schema FILE"
    ):
        find_schema(train)


# Holding out


rows = st.lists(
    st.tuples(st.sampled_from("一二三四五六七八九十"), st.sampled_from("甲乙")), min_size=1
)


@given(rows, st.integers(0, 2**32))
def test_equal_texts_stay_on_one_side(rows: list[tuple[str, str]], seed: int) -> None:
    everything = examples(*rows)
    train, dev = hold_out(everything, 0.1, seed)
    assert (train, dev) == hold_out(everything, 0.1, seed)
    assert sorted(train + dev, key=lambda e: int(e.id)) == everything
    for side in (train, dev):  # in their order
        assert [int(e.id) for e in side] == sorted(int(e.id) for e in side)
    assert not {e.texts for e in train} & {e.texts for e in dev}
    assert len(dev) >= max(1, round(0.1 * len(rows)))


def test_the_seed_decides() -> None:
    everything = examples(*((str(i), "甲") for i in range(200)))
    held = [frozenset(e.id for e in hold_out(everything, 0.1, seed)[1]) for seed in range(20)]
    assert len(set(held)) == 20
    assert {len(each) for each in held} == {20}
    share = sum(id in each for each in held for id in map(str, range(100))) / sum(map(len, held))
    assert math.isclose(share, 0.5, abs_tol=0.15)  # from all parts of the file alike


# What is odd


def test_oddities() -> None:
    found = oddities(
        examples(("好", "1"), ("好", "1"), ("好", "1"), ("坏", "0"), ("坏", "1"), ("行", "0"))
    )
    assert found == Oddities(duplicates=2, conflicts=1)
    assert oddities(examples(("好", "1"))) == Oddities(duplicates=0, conflicts=0)


def test_shared_texts() -> None:
    train = examples(("好", "1"), ("坏", "0"))
    assert shared(train, examples(("好", "0"), ("好", "1"), ("行", "1"))) == 2
    pair = [Example("0", ("好", "坏"), None)]
    assert shared(pair, [Example("0", ("坏", "好"), None)]) == 0

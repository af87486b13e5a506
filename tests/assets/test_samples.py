"""The sample sets keep the properties that their README states."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_records

from .overlap import bigrams, jaccard

LABELLED, SPLITS = ("train", "dev"), ("train", "dev", "test")


def rows(task: str, name: str) -> list[dict[str, object]]:
    return [record.fields for record in read_records(asset("samples", task, f"{name}.json"))]


def sentences(task: str, split: str) -> set[str]:
    return {
        str(value)
        for row in rows(task, split)
        for field, value in row.items()
        if field.startswith("sentence")
    }


def near(left: set[str], right: set[str], limit: float) -> Iterator[tuple[str, str]]:
    """Pairs of sentences whose bigrams overlap by more than `limit`."""
    holders: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for sentence in right:
        grams = bigrams(sentence)
        for gram in grams:
            holders.setdefault(gram, []).append((sentence, grams))
    for sentence in left:
        grams = bigrams(sentence)
        shared = Counter(found for gram in grams for found in holders.get(gram, ()))
        for (other, theirs), count in shared.items():
            if count > limit * (len(grams) + len(theirs) - count):
                yield sentence, other


def overlaps(label: str) -> list[float]:
    """Overlap of the characters of the two sentences, for the pairs of a label."""
    return [
        jaccard(frozenset(str(row["sentence1"])), frozenset(str(row["sentence2"])))
        for split in LABELLED
        for row in rows("pairs", split)
        if row["label"] == label
    ]


def test_there_is_enough_of_both() -> None:
    assert len(rows("intents", "labels")) >= 12
    assert sum(len(rows("intents", split)) for split in SPLITS) >= 1800
    assert sum(len(rows("pairs", split)) for split in SPLITS) >= 1000


@pytest.mark.parametrize("task", ["intents", "pairs"])
def test_the_shares_of_the_splits(task: str) -> None:
    sizes = [len(rows(task, split)) for split in SPLITS]
    shares = [size / sum(sizes) for size in sizes]
    assert shares == pytest.approx([0.80, 0.13, 0.07], abs=0.01)


def test_intents_have_the_layout_of_tnews() -> None:
    for split in LABELLED:
        for row in rows("intents", split):
            assert list(row) == ["label", "label_desc", "sentence", "keywords"]
            assert all(isinstance(value, str) for value in row.values())
    test = rows("intents", "test")
    assert all(list(row) == ["id", "sentence", "keywords"] for row in test)
    assert [row["id"] for row in test] == list(range(len(test)))


def test_pairs_have_the_layout_of_afqmc() -> None:
    for split in LABELLED:
        for row in rows("pairs", split):
            assert list(row) == ["sentence1", "sentence2", "label"]
            assert row["label"] in ("0", "1")
            assert row["sentence1"] != row["sentence2"]
    test = rows("pairs", "test")
    assert all(list(row) == ["id", "sentence1", "sentence2"] for row in test)
    assert [row["id"] for row in test] == list(range(len(test)))


def test_every_label_is_declared_and_common_in_train_and_dev() -> None:
    declared = {row["label"]: row["label_desc"] for row in rows("intents", "labels")}
    assert list(declared) == [str(number) for number in range(101, 119)]
    for split, least in (("train", 80), ("dev", 12)):
        counts: Counter[object] = Counter()
        for row in rows("intents", split):
            assert row["label_desc"] == declared[row["label"]]
            counts[row["label"]] += 1
        assert counts.keys() == declared.keys()
        assert min(counts.values()) >= least


@pytest.mark.parametrize("task", ["intents", "pairs"])
def test_sentences_are_clean(task: str) -> None:
    for split in SPLITS:
        for sentence in sentences(task, split):
            assert sentence == sentence.strip() != ""
            assert sentence.isprintable()


def test_no_intent_sentence_comes_twice() -> None:
    assert sum(len(rows("intents", split)) for split in SPLITS) == len(
        set.union(*(sentences("intents", split) for split in SPLITS))
    )


def test_no_pair_comes_twice_in_either_order() -> None:
    pairs = [
        frozenset((row["sentence1"], row["sentence2"]))
        for split in SPLITS
        for row in rows("pairs", split)
    ]
    assert len(pairs) == len(set(pairs))


def test_the_labels_of_pairs_agree() -> None:
    """What means the same as the same sentence is never labelled as different."""
    parent: dict[object, object] = {}

    def root(sentence: object) -> object:
        while (above := parent.get(sentence, sentence)) != sentence:
            sentence = above
        return sentence

    labelled = [row for split in LABELLED for row in rows("pairs", split)]
    for row in labelled:
        if row["label"] == "1":
            parent[root(row["sentence1"])] = root(row["sentence2"])
    apart = [row for row in labelled if row["label"] == "0"]
    assert [row for row in apart if root(row["sentence1"]) == root(row["sentence2"])] == []


@pytest.mark.parametrize("task", ["intents", "pairs"])
@pytest.mark.parametrize(("left", "right"), [*combinations(SPLITS, 2)])
def test_nothing_leaks_from_one_split_to_another(task: str, left: str, right: str) -> None:
    first, second = sentences(task, left), sentences(task, right)
    assert first & second == set()
    assert list(near(first, second, 0.7)) == []


def test_near_finds_what_differs_in_a_character() -> None:
    close = "明天早上七点叫我起床上学去"
    found = near({close}, {close + "吧", "今天早上六点叫他出门上班去"}, 0.7)
    assert list(found) == [(close, close + "吧")]


def test_overlap_of_characters_says_little_about_a_pair() -> None:
    same, different = overlaps("1"), overlaps("0")
    assert sum(overlap >= 0.5 for overlap in different) >= 0.4 * len(different)  # hard negatives
    assert sum(overlap >= 0.5 for overlap in same) >= 0.3 * len(same)
    assert sum(overlap < 0.3 for overlap in different) >= 0.2 * len(different)
    total = len(same) + len(different)
    for threshold in {*same, *different}:
        right = sum(overlap < threshold for overlap in same)
        right += sum(overlap >= threshold for overlap in different)
        assert max(right, total - right) < 0.65 * total

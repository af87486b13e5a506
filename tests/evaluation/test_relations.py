"""The scorer against the rules of the official one, written down once more in another way."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import DataError
from wenlu.evaluation.relations import Spo, plain_name, read_aliases, relation_scores

NAMES = ["a", "A", "《a》", "《", "《》", "b", "《b》", "c", ""]
SPOS = st.lists(
    st.builds(
        Spo,
        st.sampled_from(NAMES),
        st.sampled_from(["p", "P"]),
        st.dictionaries(st.sampled_from(["@value", "in"]), st.sampled_from(NAMES), max_size=2),
    ),
    max_size=6,
)
SENTENCES = st.lists(st.tuples(SPOS, SPOS), min_size=1, max_size=4)


def scores(gold: Sequence[Spo], predicted: Sequence[Spo]) -> tuple[float, ...]:
    return tuple(relation_scores([gold], [predicted]))


def test_all_slots_must_be_there() -> None:
    gold = [Spo("film", "票房", {"@value": "a", "inArea": "b"})]
    assert scores(gold, [Spo("film", "票房", {"@value": "a"})]) == (0, 0, 0)
    assert scores(gold, [Spo("film", "票房", {"inArea": "b", "@value": "a"})]) == (1, 1, 1)
    assert scores([Spo("film", "票房", {"@value": "a"})], gold) == (0, 0, 0)


def test_case_and_book_title_marks_do_not_count() -> None:
    gold = [Spo("《X》", "作者", {"@value": "Li"})]
    assert scores(gold, [Spo("x", "作者", {"@value": "《LI》"})]) == (1, 1, 1)
    assert scores(gold, [Spo("《x", "作者", {"@value": "li"})]) == (0, 0, 0)


def test_what_is_said_twice_counts_once() -> None:
    one, same = Spo("X", "p", {"@value": "a"}), Spo("《x》", "p", {"@value": "A"})
    other, wrong = Spo("X", "p", {"@value": "b"}), Spo("X", "p", {"@value": "c"})
    assert scores([one, same, other], [one, same]) == (1, 1 / 2, 2 / 3)
    assert scores([one, one], [one, same, wrong, wrong]) == (1 / 2, 1, 2 / 3)


def test_nothing_predicted_and_nothing_to_find() -> None:
    one = Spo("X", "p", {"@value": "a"})
    assert scores([one], []) == (0, 0, 0)
    assert scores([], [one]) == (0, 0, 0)
    assert scores([], []) == (0, 0, 0)


def test_four_digits() -> None:
    spos = [Spo(str(i), "p", {"@value": "a"}) for i in range(3)]
    found = relation_scores([spos], [spos[:2]])
    assert found.recall == 2 / 3
    assert found.rounded() == (1.0, 0.6667, 0.8)


def key(spo: Spo) -> tuple[object, ...]:
    slots = frozenset((slot, plain_name(text)) for slot, text in spo.object.items())
    return plain_name(spo.subject), spo.predicate, slots


@given(SENTENCES)
def test_without_aliases_they_are_the_scores_of_sets(
    sentences: list[tuple[list[Spo], list[Spo]]],
) -> None:
    gold = {(i, key(spo)) for i, (spos, _) in enumerate(sentences) for spo in spos}
    predicted = {(i, key(spo)) for i, (_, spos) in enumerate(sentences) for spo in spos}
    hits = len(gold & predicted)
    found = relation_scores([g for g, _ in sentences], [p for _, p in sentences])
    assert found.precision == (hits / len(predicted) if predicted else 0)
    assert found.recall == (hits / len(gold) if gold else 0)
    if hits:
        assert found.f1 == pytest.approx(2 * hits / (len(gold) + len(predicted)))


def test_other_names(tmp_path: Path) -> None:
    file = tmp_path / "alias.txt"
    file.write_text("周树人\t鲁迅\tLu Xun\n\n鲁迅\t周树人\n", "utf-8")
    aliases = read_aliases(file)
    assert aliases == {"周树人": {"鲁迅", "lu xun"}, "鲁迅": {"周树人"}}
    gold, said = (
        Spo("呐喊", "作者", {"@value": "鲁迅"}),
        Spo("《呐喊》", "作者", {"@value": "周树人"}),
    )
    assert tuple(relation_scores([[gold]], [[said]])) == (0, 0, 0)
    assert tuple(relation_scores([[gold]], [[said]], aliases)) == (1, 1, 1)
    assert relation_scores([[gold]], [[gold, said]], aliases).precision == 1  # the same twice
    # In an object both names must list each other; for a subject the predicted one's list counts.
    latin = Spo("呐喊", "作者", {"@value": "Lu Xun"})
    assert tuple(relation_scores([[latin]], [[said]], aliases)) == (0, 0, 0)
    first, second = Spo("周树人", "号", {"@value": "x"}), Spo("Lu Xun", "号", {"@value": "x"})
    assert relation_scores([[second]], [[first]], aliases).precision == 1
    assert relation_scores([[second]], [[first]], aliases).recall == 0


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got 1 gold and 0 predicted lists"):
        relation_scores([[]], [])
    with pytest.raises(DataError, match=r"none\.txt: cannot be read: No such file"):
        read_aliases(tmp_path / "none.txt")
    (tmp_path / "bad.txt").write_bytes(b"a\t\xff")
    with pytest.raises(DataError, match=r"bad\.txt: not UTF-8 at byte 2"):
        read_aliases(tmp_path / "bad.txt")

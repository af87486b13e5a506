from collections import defaultdict
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from wenlu.tasks.reassembly import Finding, Piece, Relation, flattened, reassembled


def piece(text: str, start: int) -> Piece:
    return Piece(text, start, start + len(text))


FILM, ACTOR = piece("让子弹飞", 1), piece("姜文", 8)


def spos(relations: list[Relation]) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    return {
        (r.subject.text, r.predicate, frozenset((slot, p.text) for slot, p in r.object))
        for r in relations
    }


def test_three_actors_are_three_relations() -> None:
    actors = [piece("姜文", 8), piece("葛优", 11), piece("周润发", 14)]
    found = reassembled([Finding(FILM, "主演", "@value", actor) for actor in actors])
    assert found == [Relation(FILM, "主演", (("@value", actor),)) for actor in actors]


def test_a_slot_goes_to_the_nearest_anchor() -> None:
    first, second, work = piece("甲乙", 5), piece("丙", 25), piece("某部片", 20)
    found = reassembled(
        [
            Finding(ACTOR, "饰演", "@value", first),
            Finding(ACTOR, "饰演", "inWork", work),
            Finding(ACTOR, "饰演", "@value", second),
        ]
    )
    assert found == [
        Relation(ACTOR, "饰演", (("@value", first),)),
        Relation(ACTOR, "饰演", (("@value", second), ("inWork", work))),
    ]


def test_of_two_equally_near_the_earlier_gets_it() -> None:
    first, second, work = piece("甲", 10), piece("乙", 14), piece("某", 12)
    found = reassembled(
        Finding(ACTOR, "饰演", slot, p)
        for slot, p in (("@value", second), ("inWork", work), ("@value", first))
    )
    assert [len(r.object) for r in found] == [2, 1]
    assert found[0].object[0][1] == first


def test_several_texts_of_a_slot_are_as_many_relations() -> None:
    award, dates = piece("最佳导演", 20), [piece("2001年", 0), piece("2003年", 6)]
    work = piece("某片", 15)
    findings = [Finding(ACTOR, "获奖", "onDate", date) for date in dates]
    findings += [Finding(ACTOR, "获奖", "@value", award), Finding(ACTOR, "获奖", "inWork", work)]
    assert reassembled(findings) == [
        Relation(ACTOR, "获奖", (("@value", award), ("inWork", work), ("onDate", date)))
        for date in dates
    ]


def test_without_an_anchor_there_is_nothing() -> None:
    assert reassembled([Finding(ACTOR, "饰演", "inWork", piece("某", 3))]) == []
    assert reassembled([]) == []


def test_a_text_at_several_places_is_one_and_all_its_places_count() -> None:
    subjects = [piece("姜文", 30), ACTOR]
    near, far = piece("某", 41), piece("某", 2)
    anchors = [piece("甲", 12), piece("乙", 44)]
    findings = [Finding(s, "饰演", "@value", a) for s in subjects for a in anchors]
    findings += [Finding(s, "饰演", "inWork", w) for s in subjects for w in (near, far)]
    assert reassembled(findings) == [
        Relation(ACTOR, "饰演", (("@value", anchors[0]),)),
        Relation(ACTOR, "饰演", (("@value", anchors[1]), ("inWork", far))),
    ]


WORDS = st.text("甲乙丙", min_size=1, max_size=2)
PIECES = st.builds(piece, WORDS, st.integers(0, 30))
SLOTS = st.sampled_from(["@value", "@value", "inWork", "onDate"])
FINDINGS = st.lists(
    st.builds(Finding, st.just(ACTOR) | PIECES, st.sampled_from(["p", "q"]), SLOTS, PIECES),
    max_size=9,
)


def by_hand(findings: list[Finding]) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """The rule once more, text by text."""
    places: dict[tuple[str, str, str, str], list[Piece]] = defaultdict(list)
    for s, predicate, slot, p in findings:
        places[s.text, predicate, slot, p.text].append(p)
    found = set()
    for subject, predicate in {(key[0], key[1]) for key in places}:
        own = {key[2:]: spots for key, spots in places.items() if key[:2] == (subject, predicate)}
        anchors = [text for slot, text in own if slot == "@value"]
        given_to: dict[str, dict[str, list[str]]] = {a: defaultdict(list) for a in anchors}
        for (slot, text), spots in own.items():
            if slot == "@value" or not anchors:
                continue
            costs = {}
            for anchor in anchors:
                gaps = [
                    max(a.start - b.end, b.start - a.end, 0)
                    for a in own["@value", anchor]
                    for b in spots
                ]
                first = min((a.start, a.end) for a in own["@value", anchor])
                costs[anchor] = (min(gaps), first[0])
            best = min(costs.values())
            # Two anchors that begin at the same place: the shorter was found first.
            [anchor, *_] = sorted(
                (a for a in anchors if costs[a] == best),
                key=lambda a: min((p.start, p.end) for p in own["@value", a]),
            )
            given_to[anchor][slot].append(text)
        for anchor in anchors:
            slots = sorted(given_to[anchor])
            for texts in product(*(given_to[anchor][slot] for slot in slots)):
                pairs = zip(slots, texts, strict=True)
                found.add((subject, predicate, frozenset([("@value", anchor), *pairs])))
    return found


@given(FINDINGS, st.randoms())
def test_the_rule_by_hand_in_any_order(findings: list[Finding], random) -> None:  # noqa: ANN001
    found = reassembled(findings)
    assert spos(found) == by_hand(findings)
    assert len(spos(found)) == len(found)
    random.shuffle(findings)
    assert reassembled(findings + findings[:2]) == found


def test_order_does_not_count_even_where_places_contradict_texts() -> None:
    findings = [
        Finding(ACTOR, "q", "@value", piece("丙", 0)),
        Finding(ACTOR, "q", "inWork", piece("丙", 9)),
        Finding(ACTOR, "q", "inWork", piece("甲", 9)),
    ]
    assert reassembled(findings) == reassembled(findings[::-1])


@given(FINDINGS)
def test_nothing_is_lost_where_there_is_an_anchor(findings: list[Finding]) -> None:
    kept = {
        (r.subject.text, r.predicate, slot, p.text)
        for r in reassembled(findings)
        for slot, p in r.object
    }
    anchored = {(f.subject.text, f.predicate) for f in findings if f.slot == "@value"}
    wanted = {
        (f.subject.text, f.predicate, f.slot, f.piece.text)
        for f in findings
        if (f.subject.text, f.predicate) in anchored
    }
    assert kept == wanted


@given(FINDINGS)
def test_flat_and_back(findings: list[Finding]) -> None:
    """What has one anchor for each subject and predicate, and one text a slot, comes back."""
    first: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.subject.text, finding.predicate, finding.slot), finding)
    relations = reassembled(first.values())
    assert spos(reassembled(flattened(relations))) == spos(relations)

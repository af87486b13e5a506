"""The official score of relation extraction (DuIE 2.0, LIC2020 and LIC2021): micro P, R and F1.

A predicted relation is right if predicate, subject and all slots of the object are those of a gold
one: the same slots, with the same texts. Case does not count, nor do book-title marks 《》 around
a whole text. Entities may have other names in an alias dictionary (the official one is not public).
Of relations that are the same by these rules only the first counts, on both sides.
"""

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from wenlu.errors import DataError


class Spo(NamedTuple):
    """Subject, predicate and object."""

    subject: str
    predicate: str
    object: Mapping[str, str]
    """The text of each slot."""


class RelationScores(NamedTuple):
    """Micro-averaged over all sentences; a ratio without a denominator is 0."""

    precision: float
    """Of the relations that were predicted, the share that gold has."""
    recall: float
    """Of the gold relations, the share that was predicted."""
    f1: float

    def rounded(self) -> "RelationScores":
        """With four digits, as the official script prints them."""
        return RelationScores(*(round(value, 4) for value in self))


Aliases = Mapping[str, Collection[str]]
"""Other names of an entity, in lower case."""


def relation_scores(
    gold: Sequence[Sequence[Spo]],
    predicted: Sequence[Sequence[Spo]],
    aliases: Aliases | None = None,
) -> RelationScores:
    """The official scores.

    Args:
        gold: the relations of each sentence.
        predicted: what was found in each, in the same order.
        aliases: other names of entities, as `read_aliases` gives them.
    """
    counts = relation_counts(gold, predicted, aliases)
    right, found, recalled, wanted = counts.sum(0).tolist()
    precision = right / found if found else 0.0
    recall = recalled / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return RelationScores(precision, recall, f1)


def relation_counts(
    gold: Sequence[Sequence[Spo]],
    predicted: Sequence[Sequence[Spo]],
    aliases: Aliases | None = None,
) -> Float64[np.ndarray, "n 4"]:
    """What each sentence adds to the scores: right, predicted, recalled and gold relations.

    Right and recalled can differ, because names of gold have other aliases than those predicted.
    """
    if len(gold) != len(predicted):
        raise DataError(
            f"every sentence needs its predictions; got {len(gold)} gold and {len(predicted)} "
            "predicted lists"
        )
    names, rows = aliases or {}, []
    for gold_spos, predicted_spos in zip(gold, predicted, strict=True):
        ours, theirs = _distinct(gold_spos, names), _distinct(predicted_spos, names)
        every = [_plain(spo) for spo in predicted_spos]
        right = sum(_among(spo, ours, names) for spo in theirs)
        recalled = sum(_among(spo, every, names) for spo in ours)
        rows.append((right, len(theirs), recalled, len(ours)))
    return np.array(rows, np.float64).reshape(-1, 4)


def plain_name(name: str) -> str:
    """A name as it is compared: in lower case, without book-title marks around it."""
    name = name.lower()
    return name[1:-1] if name.startswith("《") and name.endswith("》") else name


def read_aliases(path: str | PathLike[str]) -> dict[str, set[str]]:
    """An alias dictionary: on each line an entity and its other names, with tabs between them."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}", file=path) from None
    found = {}
    for line in text.splitlines():
        name, *others = line.strip().lower().split("\t")
        if name:
            found[name] = set(others)
    return found


def _distinct(spos: Sequence[Spo], aliases: Aliases) -> list[Spo]:
    """Each relation once, in a form that can be compared."""
    found: list[Spo] = []
    for spo in map(_plain, spos):
        if not _among(spo, found, aliases):
            found.append(spo)
    return found


def _among(spo: Spo, others: Sequence[Spo], aliases: Aliases) -> bool:
    """Whether one of `others` says the same; the names of `spo` may have aliases."""
    return any(
        other.predicate == spo.predicate
        and _same(spo.subject, other.subject, aliases)
        and other.object.keys() == spo.object.keys()
        and all(
            _same(text, other.object[slot], aliases) and _same(other.object[slot], text, aliases)
            for slot, text in spo.object.items()
        )
        for other in others
    )


def _same(name: str, other: str, aliases: Aliases) -> bool:
    return name == other or other in aliases.get(name, ())


def _plain(spo: Spo) -> Spo:
    return Spo(
        plain_name(spo.subject),
        spo.predicate,
        {slot: plain_name(text) for slot, text in spo.object.items()},
    )

"""ChID: which idiom belongs into which blank of a text?

Each blank is asked about by itself: it is replaced by one mark, every other blank by four [MASK],
and each candidate makes a sequence, [CLS] idiom [SEP] text [SEP]; their scores meet in one softmax.
Then all the blanks of a sample, which share their candidates and use none twice, are answered
together ("bert4keras in hand, baseline I have: CLUE benchmark code").

Layouts: CLUE's, with texts in a list, numbered blanks #idiom000123# and the answers in a file
beside it (train.json, train_answer.json); and FewCLUE's, with one text, one #idiom# and "answer".
"""

from collections import Counter
from functools import partial
from pathlib import Path
from types import MappingProxyType

from wenlu.corpus import Record, read_document, read_records
from wenlu.errors import DataError
from wenlu.tasks.blanks import ASKED, TAG, arrange
from wenlu.tasks.choices import MultipleChoice, Question, check_choices
from wenlu.tasks.examples import Ids
from wenlu.tasks.task import Notes


def read_chid(path: Path, labelled: bool, notes: Notes) -> list[Question]:
    """The blanks of a file of ChID, a question each."""
    questions: list[Question] = []
    answers: dict[str, object] | None = None
    ids, lines = Ids(), dict[str, int]()
    for record in read_records(path):
        texts, candidates = _texts(record), _candidates(record, notes)
        tags = [tag for text in texts for tag in TAG.findall(text)]
        if not tags:
            notes["samples without a blank"] += 1
            continue
        if ASKED in tags:  # FewCLUE
            if len(tags) > 1:
                raise record.error(
                    f"{len(tags)} blanks came; there must be one {ASKED}, or numbered ones "
                    "(#idiom000000#) with their answers in a file beside this one",
                    "content",
                )
            names, given = [ids.take(record)], [record.get("answer")]
        else:  # CLUE
            for number, tag in enumerate(tags):
                if tag in lines or tag in tags[:number]:
                    where = f"line {lines[tag]}" if tag in lines else "the same line"
                    raise record.error(f"the blank {tag} stands on {where} too", "content")
            lines |= dict.fromkeys(tags, record.line)
            if labelled and answers is None:
                answers = _answers(path)
            names, given = tags, [(answers or {}).get(tag) for tag in tags]
        labels = [
            _label(record, tag, answer, candidates) if labelled else None
            for tag, answer in zip(tags, given, strict=True)
        ]
        _count(labels, candidates, notes)
        together = "\n".join(texts)
        blanks = ((text, place) for text in texts for place in TAG.finditer(text))
        for (text, place), name, label in zip(blanks, names, labels, strict=True):
            asked = text[: place.start()] + ASKED + text[place.end() :]
            questions.append(Question(name, (asked,), label, candidates, together, names[0]))
    if unused := len((answers or {}).keys() - lines.keys()):
        notes["answers to blanks that are nowhere in the texts"] += unused
    if not questions:
        raise DataError(f"no text has a blank: {ASKED} or #idiom000000#", file=path)
    return questions


def _texts(record: Record) -> list[str]:
    content = record.get("content")
    if not isinstance(content, list):
        return [record.text("content")]
    return [Record({"content": text}, record.file, record.line).text("content") for text in content]


def _candidates(record: Record, notes: Notes) -> tuple[str, ...]:
    given = record.get("candidates")
    if not isinstance(given, list):
        raise record.error('there must be a list of idioms: ["画蛇添足", ...]', "candidates")
    each = (Record({"candidates": one}, record.file, record.line) for one in given)
    candidates = tuple(one.text("candidates") for one in each)
    if problem := check_choices(candidates, notes):
        raise record.error(problem, "candidates")
    return candidates


def _answers(path: Path) -> dict[str, object]:
    """The answers that stand beside the texts: train_answer.json beside train.json."""
    stem = path.name
    for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".json"):
        stem = stem.removesuffix(suffix)
    beside = [path.with_name(f"{stem}_answer.json{more}") for more in ("", ".zst", ".gz")]
    there = next((file for file in beside if file.is_file()), None)
    if there is None:
        raise DataError(
            f"its blanks are numbered, so their answers must stand beside it in {beside[0].name}",
            file=path,
        )
    found = read_document(there)
    if not isinstance(found, dict):
        raise DataError('there must be one object: {"#idiom000000#": 3, ...}', file=there)
    return found


def _label(record: Record, tag: str, given: object, candidates: tuple[str, ...]) -> int:
    last = len(candidates) - 1
    if given is None:
        where = "" if tag == ASKED else " in the file of answers"
        raise record.error(f"the blank {tag} has no answer{where}", "answer")
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= last:
        raise record.error(
            f"the answer to {tag} is {given!r}; it must be the number of a candidate, 0 to {last}",
            "answer",
        )
    return candidates.index(candidates[given])  # the first, should two be equal


def _count(labels: list[int | None], candidates: tuple[str, ...], notes: Notes) -> None:
    """What keeps the blanks of a sample from getting an idiom each."""
    if len(labels) > len(candidates):
        notes["samples with more blanks than candidates, each answered by itself"] += 1
    elif any(count > 1 for label, count in Counter(labels).items() if label is not None):
        notes["samples where one idiom is the answer to several blanks"] += 1


CHID = MultipleChoice(
    name="chid",
    summary="CLUE: which of ten idioms belongs into which blank?",
    read_file=read_chid,
    arrangements=MappingProxyType(
        {
            "idiom-first": partial(arrange, choice_first=True),
            "text-first": partial(arrange, choice_first=False),
        }
    ),
    text_fields=("content", "candidates"),
    fields=("content", "candidates", "answer"),
    one_each=True,
    one_object=True,
    test_files=("test", "test1.0", "test1.1"),
    submission_file="chid10_predict.json",
    max_length=64,
)

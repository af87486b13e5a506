"""C3: questions on a dialogue or a text, each with two to four choices.

Each choice makes a sequence of its own, [CLS] passage [SEP] question [SEP] choice [SEP], and the
scores of a question's choices meet in one softmax, which works far better than classifying all
choices joined ("bert4keras in hand, baseline I have: CLUE benchmark code"). Where the three do not
fit, the longest gives way.

The files hold [[lines], [{question, choice, answer}, ...], id] for each passage. What is asked of
dialogues (d-*) and of other texts (m-*) is one set.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from wenlu.corpus import read_document
from wenlu.errors import ConfigError, DataError
from wenlu.tasks.choices import (
    Arrange,
    Arranged,
    MultipleChoice,
    Question,
    check_choices,
    not_among,
)
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer
from wenlu.text.joining import shares

BETWEEN_LINES = "||"
_SPECIAL = 4
"""[CLS] and three [SEP]."""


def read_c3(path: Path, labelled: bool, notes: Notes) -> list[Question]:
    """The questions of a file of C3."""
    document = read_document(path)
    if not isinstance(document, list) or not document:
        raise DataError(
            "there must be an array of passages: [[lines, questions, id], ...]", file=path
        )
    questions: list[Question] = []
    known: dict[str, int] = {}
    for number, entry in enumerate(document, 1):
        if not isinstance(entry, list) or len(entry) not in (2, 3):
            raise DataError(f"passage {number} must be [lines, questions, id]", file=path)
        lines, asked, *ids = entry
        if not _strings(lines):
            raise DataError(f"the lines of passage {number} {_MUST}", file=path)
        if not isinstance(asked, list) or not all(isinstance(each, Mapping) for each in asked):
            raise DataError(
                f"the questions of passage {number} must be a list of objects "
                '{"question", "choice", "answer"}',
                file=path,
            )
        passage = BETWEEN_LINES.join(lines)
        for place, fields in enumerate(asked, 1):
            where = f"passage {number}, question {place}"
            given = fields.get("id")
            # Passages of m-*.json and d-*.json may have the same id.
            own = f"{path.name.partition('.')[0]}:{ids[0] if ids else number}-{place}"
            name = own if given is None else str(given)
            if name in known:
                raise DataError(
                    f"{where}: {name!r} is the id of a question on passage {known[name]} too",
                    file=path,
                    field="id",
                )
            known[name] = number
            questions.append(_question(fields, passage, name, labelled, notes, path, where))
    if not questions:
        raise DataError("there is no question on any of the passages", file=path)
    return questions


def _question(
    fields: Mapping[str, object],
    passage: str,
    name: str,
    labelled: bool,
    notes: Notes,
    path: Path,
    where: str,
) -> Question:
    def fail(problem: str, field: str) -> DataError:
        return DataError(f"{where}: {problem}", file=path, field=field)

    question, choices = fields.get("question"), fields.get("choice")
    if not isinstance(question, str):
        raise fail(f"{question!r} came; it must be a string", "question")
    if not isinstance(choices, list) or not _strings(choices):
        raise fail(f"{choices!r} came; this {_MUST}", "choice")
    if problem := check_choices(choices, notes):
        raise fail(problem, "choice")
    label = None
    if labelled:
        answer = fields.get("answer")
        if not isinstance(answer, str):
            raise fail(f"{answer!r} came; it must be the text of one of the choices", "answer")
        if answer not in choices:
            raise fail(not_among(answer, choices), "answer")
        label = choices.index(answer)
    return Question(name, (passage, question), label, tuple(choices), passage, name)


_MUST = "must be a list of strings"


def _strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def passage_question_choice(
    questions: Sequence[Question], tokenizer: Tokenizer, max_length: int, notes: Notes
) -> Arranged:
    """[CLS] passage [SEP] question [SEP] choice [SEP] for each choice."""
    del notes
    room = max_length - _SPECIAL
    if room < 1:
        raise ConfigError(f"max_length {max_length} has no room for text; it must be 5 or more")
    texts = list(dict.fromkeys(text for q in questions for text in (*q.texts, *q.choices)))
    encodings = tokenizer.encode_batch(texts, offsets=False)
    numbers = {text: number for number, text in enumerate(texts)}
    rows, cut = [], 0
    for q in questions:
        row = np.zeros((len(q.choices), 3, 2), np.int32)
        row[..., 0] = [[*(numbers[text] for text in q.texts), numbers[c]] for c in q.choices]
        for part in row:
            lengths = [len(encodings[number]) for number in part[:, 0]]
            part[:, 1] = shares(lengths, room)
        whole = sum(len(encodings[number]) for number in row[..., 0].flat)
        cut += int(row[..., 1].sum()) < whole
        rows.append(row)
    ids = [np.asarray(encoding.ids, np.int32) for encoding in encodings]
    return Arranged(ids, rows, cut, tokenizer.unknown_share(encodings))


ARRANGEMENTS: Mapping[str, Arrange] = MappingProxyType(
    {"passage-question-choice": passage_question_choice}
)

C3 = MultipleChoice(
    name="c3",
    summary="CLUE: questions on a dialogue or a text, with two to four choices",
    read_file=read_c3,
    arrangements=ARRANGEMENTS,
    text_fields=("text", "question", "choices"),
    fields=("question", "choice", "answer"),
    train_files=("m-train+d-train", "train"),
    dev_files=("m-dev+d-dev", "dev"),
    test_files=("test", "test1.0", "test1.1"),
    submission_file="c310_predict.json",
)

"""choice: the user's own questions with choices."""

from contextlib import closing
from pathlib import Path
from string import ascii_uppercase

from wenlu.corpus import Record, read_records
from wenlu.corpus.lines import read_lines
from wenlu.tasks.choices import (
    SEPARATOR,
    MultipleChoice,
    Question,
    check_choices,
    not_among,
    split_choices,
)
from wenlu.tasks.clue.c3 import ARRANGEMENTS, read_c3
from wenlu.tasks.examples import Ids
from wenlu.tasks.task import Notes

_DIGITS = 9
"""Of a number that may be that of a choice: Python refuses to read thousands of them."""


def read_choice(path: Path, labelled: bool, notes: Notes) -> list[Question]:
    """The questions of a table or of JSON lines, or of a file in the layout of C3."""
    if _nested(path):
        return read_c3(path, labelled, notes)
    questions, ids = [], Ids()
    for record in read_records(path):
        text, question, choices = record.text("text"), record.text("question"), _choices(record)
        if problem := check_choices(choices, notes):
            raise record.error(problem, "choices")
        label = _answer(record, choices) if labelled else None
        name = ids.take(record)
        questions.append(Question(name, (text, question), label, choices, text, name))
    return questions


def _nested(path: Path) -> bool:
    """Whether a file is an array of arrays, as those of C3 are."""
    if ".json" not in path.suffixes or not path.is_file():
        return False
    start = b""
    with closing(read_lines(path)) as lines:
        while len(start) < 2 and (line := next(lines, None)) is not None:
            start += b"".join(line[1].split())
    return start.startswith(b"[[")


def _choices(record: Record) -> tuple[str, ...]:
    """A list of strings, or one string with "|" between the choices."""
    given = record.get("choices")
    if not isinstance(given, list):
        return split_choices(record.text("choices"))
    for number, choice in enumerate(given):
        if not isinstance(choice, str):
            raise record.error(f"choice {number} is {choice!r}; it must be a string", "choices")
    return tuple(given)


def _answer(record: Record, choices: tuple[str, ...]) -> int:
    """The number of the right choice: given as its text, as a letter from A, or as a number from 0.

    A string that could be more than one of these is a text: letter for letter, or else without the
    blanks at its ends.
    """
    given, answer = record.get("answer"), record.label("answer", "an answer").strip()
    if isinstance(given, str):
        if given in choices:
            return choices.index(given)
        bare = [choice.strip() for choice in choices]
        if answer in bare:
            return bare.index(answer)
    last = len(choices) - 1
    letter = ascii_uppercase.find(answer.upper()) if len(answer) == 1 else -1
    if answer.isdecimal() and len(answer) <= _DIGITS and int(answer) <= last:
        return int(answer)
    if 0 <= letter <= last:
        return letter
    raise record.error(
        f"{not_among(answer, choices)}. It must be the text of one of them, a number from 0 to "
        f"{last}, or a letter from A to {ascii_uppercase[last : last + 1] or 'Z'}",
        "answer",
    )


CHOICE = MultipleChoice(
    name="choice",
    summary=f"your own questions: text, question, choices (a list, or with {SEPARATOR} between "
    "them) and answer (its text, letter or number)",
    read_file=read_choice,
    arrangements=ARRANGEMENTS,
    text_fields=("text", "question", "choices"),
    fields=("text", "question", "choices", "answer"),
    train_files=("m-train+d-train", "train"),
    dev_files=("m-dev+d-dev", "dev", "validation", "valid"),
    test_files=("test", "test1.0", "test1.1"),
)

"""Questions on texts, as files hold them: SQuAD's nested layout, or a question a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from wenlu.corpus import read_document, read_records
from wenlu.errors import DataError
from wenlu.tasks.examples import Example, Ids
from wenlu.tasks.task import Notes
from wenlu.text.alignment import nearest


@dataclass(frozen=True, slots=True)
class Answer:
    """A reference answer."""

    text: str
    start: int | None
    """Where it starts in the text; None if the text does not have it, letter for letter."""


@dataclass(frozen=True, slots=True)
class Question(Example[tuple[Answer, ...]]):
    """A question and the text that answers it; the label is the reference answers."""

    @property
    def question(self) -> str:
        return self.texts[0]

    @property
    def context(self) -> str:
        return self.texts[1]

    @property
    def group(self) -> str:
        """Questions on one text stay together."""
        return self.context


Error = Callable[[str, str], DataError]
"""From a problem and a field to an error that says where it is."""


class _Asked(NamedTuple):
    """A question as it stands in a file, unchecked."""

    id: str
    fields: dict[str, Any]
    error: Error


MOVED = "answers do not stand where they are said to; taken at the nearest place"
ABSENT = "answers do not stand in their text letter for letter"
FIRST = "answers stand in their text more than once, and no place is given; taken at the first"


def read_questions(path: Path, *, labelled: bool, notes: Notes) -> list[Question]:
    """The questions of a file.

    Args:
        path: JSON in the layout of SQuAD (data[].paragraphs[].{context, qas[]}), or rows of any
            kind with question, context and answers.
        labelled: whether each must have an answer; otherwise answers are left unread.
        notes: answers that do not stand where they are said to are counted in it.

    Raises:
        DataError: names the file, the question and the field.
    """
    found = []
    for id, fields, error in _asked(path):
        question, context = (
            _text(fields.get(name), f"the {name}", name, error) for name in ("question", "context")
        )
        label = tuple(_answers(fields, context, error, notes)) if labelled else None
        found.append(Question(id, (question, context), label))
    if not found:
        raise DataError("the file has no questions", file=path)
    return found


def _asked(path: Path) -> Iterator[_Asked]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if ".json" not in suffixes[-2:]:
        return _from_rows(path)
    try:
        document = read_document(path)
    except DataError:
        try:  # an object a line, in spite of its name?
            next(read_records(path))
        except DataError:
            pass
        else:
            return _from_rows(path)
        raise
    if isinstance(document, dict) and "data" in document:
        return _from_squad(document, path)
    if isinstance(document, dict) and "context" not in document:
        raise DataError(
            'there is neither "data", as in the layout of SQuAD, nor a "context" to ask about',
            file=path,
        )
    return _from_rows(path)


def _from_rows(path: Path) -> Iterator[_Asked]:
    ids = Ids()
    for record in read_records(path):
        id = ids.take(record)

        def error(problem: str, field: str, record: Any = record, id: str = id) -> DataError:  # noqa: ANN401
            return record.error(f"question {id!r}: {problem}", field)

        yield _Asked(id, record.fields, error)


def _from_squad(document: dict[str, Any], path: Path) -> Iterator[_Asked]:
    places: dict[str, str] = {}

    def items(holder: object, name: str, place: str) -> Iterator[tuple[dict[str, Any], str]]:
        value = holder.get(name) if isinstance(holder, dict) else None
        if not isinstance(value, list):
            raise DataError(f"there is no list called {name!r}", file=path, field=place or None)
        for number, item in enumerate(value):
            inner = f"{place}.{name}[{number}]".lstrip(".")
            if not isinstance(item, dict):
                raise DataError("an object must stand here", file=path, field=inner)
            yield item, inner

    for article, outer in items(document, "data", ""):
        for paragraph, middle in items(article, "paragraphs", outer):
            for asked, place in items(paragraph, "qas", middle):
                id = asked.get("id")
                if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
                    raise DataError(
                        "every question needs an id, a string or a whole number",
                        file=path,
                        field=f"{place}.id",
                    )
                id = str(id)
                if id in places:
                    raise DataError(
                        f"{id!r} is the id of {places[id]} too; no two questions may share one",
                        file=path,
                        field=f"{place}.id",
                    )
                places[id] = place

                def error(
                    problem: str, field: str, id: str = id, middle: str = middle, place: str = place
                ) -> DataError:
                    where = f"{middle if field == 'context' else place}.{field}"
                    return DataError(f"question {id!r}: {problem}", file=path, field=where)

                yield _Asked(id, {**asked, "context": paragraph.get("context")}, error)


def _text(value: object, what: str, field: str, error: Error) -> str:
    """What must be a string with something in it."""
    if not isinstance(value, str):
        raise error(f"{what} must be a string; got {value!r:.40}", field)
    if not value.strip():
        raise error(f"{what} is empty", field)
    return value


def _answers(fields: dict[str, Any], context: str, error: Error, notes: Notes) -> Iterator[Answer]:
    given = fields.get("answers")
    given = [given] if isinstance(given, str | dict) else given
    if not isinstance(given, list) or not given:
        raise error(
            "there is no answer; give a list of texts, or of objects with text and answer_start, "
            "or leave the question out",
            "answers",
        )
    for answer in given:
        row = {"text": answer} if isinstance(answer, str) else answer
        if not isinstance(row, dict):
            raise error(f"an answer is a text or an object with one; got {row!r:.40}", "answers")
        text = _text(row.get("text"), "an answer's text", "answers", error)
        said = row.get("answer_start")
        if said is not None and type(said) is not int:
            raise error(f"answer_start must be a whole number; got {said!r:.40}", "answers")
        yield Answer(text, _located(text, said, context, notes))


def _located(text: str, said: int | None, context: str, notes: Notes) -> int | None:
    """Where the answer stands: as said, or else as near to that as it does."""
    if said is not None and said >= 0 and context.startswith(text, said):
        return said
    place = nearest(context, text, said or 0)
    if place is None:
        notes[ABSENT] += 1
    elif said is not None:
        notes[MOVED] += 1
    elif context.find(text, place + 1) >= 0:
        notes[FIRST] += 1
    return place

from pathlib import Path

import pytest

from wenlu.errors import DataError
from wenlu.tasks.submissions import json_lines, json_object

FILE = Path("answers.json")


def test_objects() -> None:
    assert json_object(' {"答": 1} ', FILE) == {"答": 1}
    assert json_lines('{"a": 1}\n{"b": "\u2028"}\n', FILE) == [{"a": 1}, {"b": "\u2028"}]


@pytest.mark.parametrize("text", ['{"a": 1}\n[1]\n', '{"a": 1}\n{"b"', '{"a": 1}\n\n'])
def test_what_is_none_is_named(text: str) -> None:
    with pytest.raises(DataError, match=r"answers\.json, line 2: not a JSON object"):
        json_lines(text, FILE)

import pytest

from wenlu.parsing import parse_json, parse_toml

DEEP, LONG = "[" * 100_000, "9" * 5_000


@pytest.mark.parametrize("text", [DEEP, LONG, "{", "", b"\xff"])
def test_whatever_is_wrong_with_json(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


@pytest.mark.parametrize("text", [f"a = {DEEP}", f"a = {LONG}", "a", "a = "])
def test_whatever_is_wrong_with_toml(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_toml(text)


def test_what_is_right() -> None:
    assert parse_json('{"a": [1]}') == parse_json(b'{"a": [1]}') == {"a": [1]}
    assert parse_toml("a = [1]") == {"a": [1]}

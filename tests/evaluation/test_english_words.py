import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.english_words import english_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("1.5", ["1.5"]),
        ("3,360 km", ["3,360", "km"]),
        ("one, two", ["one", ",", "two"]),
        ("u.s. army.", ["u.s.", "army", "."]),
        ("wait...", ["wait", "..."]),
        ("(the) end.", ["(", "the", ")", "end", "."]),
        ('"hi"', ["``", "hi", "''"]),
        ("he's 'ere", ["he", "'s", "'", "ere"]),
        ("don't", ["do", "n't"]),
        ("cannot", ["can", "not"]),
        ("gonna be", ["gon", "na", "be"]),
        ("5%", ["5", "%"]),
        ("a@b", ["a", "@", "b"]),
        ("what?!", ["what", "?", "!"]),
        ("w.", ["w", "."]),
    ],
)
def test_by_example(text: str, words: list[str]) -> None:
    """As NLTK's word_tokenize cuts them."""
    assert english_words(text) == words


@given(st.text('ab1.,;"()[] !…', max_size=15))
def test_nothing_but_white_space_is_lost(text: str) -> None:
    joined = "".join(english_words(text)).replace("``", '"').replace("''", '"')
    assert joined == "".join(text.split())


@given(st.text("abc019éß한か", max_size=12))
def test_a_run_of_letters_and_digits_is_a_word(text: str) -> None:
    assert english_words(text) == [text] * bool(text)

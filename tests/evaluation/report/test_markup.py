import html
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.report.markup import Html, escape, join, tag

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.values: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_text_stays_text(text: str) -> None:
    reader = Reader()
    page = tag("p", text, title=text)
    page.encode("utf-8")  # no lone surrogate is left
    reader.feed(page)
    assert reader.tags == ["p"]
    assert html.unescape(str(escape(text))) == reader.text == reader.values[0]
    kinds = {unicodedata.category(char) for char in reader.text if char not in "\t\n"}
    assert not kinds & {"Cc", "Cs"}
    assert not set(reader.text) & set(BIDI)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Z", "S"]), max_size=60))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    if not any(char in "\u2028\u2029" for char in text):
        assert html.unescape(str(escape(text))) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x00", "␀"), ("\r", "␍"), ("\x7f", "␡"), ("\x85", "[U+0085]"), ("a\u202eb", "a[U+202E]b")],
)
def test_what_acts_unseen_is_shown(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_emoji_families_stay_together() -> None:
    assert escape("👩\u200d👧") == "👩\u200d👧"


def test_only_markup_passes() -> None:
    assert tag("b", "<i>", Html("<i>"), None, 3, class_="a\"'", hidden=True, title=None) == (
        '<b class="a&quot;&#x27;" hidden>&lt;i&gt;<i>3</b>'
    )
    assert join(["<", Html("<br>")], " & ") == "&lt; &amp; <br>"

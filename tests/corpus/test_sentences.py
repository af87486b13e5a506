import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.corpus import split_sentences
from wenlu.corpus.sentences import BREAKS, sentence_starts

TEXTS = st.text(
    st.sampled_from("我们ab1 。！？!?;；…”’」』）》】“（.,，\n\r\u2028\u3000𠮷é"), max_size=40
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("\n\r\n", []),
        ("没有句号", ["没有句号"]),
        ("你好。再见！", ["你好。", "再见！"]),
        ("真的？！他说……好；行!", ["真的？！", "他说……", "好；", "行!"]),
        ("他说：“好。”她说：「走！」然后", ["他说：“好。”", "她说：「走！」", "然后"]),
        ("（见上文。）《书？》【完！】", ["（见上文。）", "《书？》", "【完！】"]),
        ("“好？”。她走了", ["“好？”。", "她走了"]),
        ("圆周率是3.14。他叫J. Smith.他", ["圆周率是3.14。", "他叫J. Smith.他"]),
        ("一行\r\n\n 二行\u2028三行\r", ["一行", " 二行", "三行"]),
        ("Hello! World", ["Hello!", " World"]),
        ("）》开头", ["）》开头"]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_nothing_is_lost(text: str) -> None:
    sentences = split_sentences(text)
    assert all(sentences)
    assert "".join(sentences) == re.sub(f"[{BREAKS}]", "", text)
    for line in re.split(f"[{BREAKS}]", text):
        assert "".join(split_sentences(line)) == line


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_starts_are_in_order_and_within(text: str) -> None:
    starts = sentence_starts(text)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert all(start < max(len(text), 1) for start in starts)


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS)
def test_a_line_break_parts_what_is_cut_apart(first: str, second: str) -> None:
    both = split_sentences(f"{first}\n{second}")
    assert both == split_sentences(first) + split_sentences(second)

from pathlib import Path

import pytest

from wenlu.corpus import TokenCorpus, write_tokens
from wenlu.text import Tokenizer
from wenlu.training.pretraining.shortening import Shortening

CHARACTERS = sorted(set("今天天气很好，我们去公园吗？不！上海研究生；,;?!。ab "))
TOKENIZER = Tokenizer.from_tokens(
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "", *(one for one in CHARACTERS if one != " "), "##b"]
)


def shortened(text: str, room: int, folder: Path) -> str:
    """Each character is a token; spaces are none."""
    (folder / "a.txt").write_text(text, "utf-8")
    write_tokens([folder / "a.txt"], TOKENIZER, folder / "out", workers=1)
    corpus = TokenCorpus(folder / "out")
    kept = Shortening(TOKENIZER, room)(corpus.tokens, corpus.word_starts)
    assert 1 <= kept <= room
    return "".join(TOKENIZER.tokens(corpus.tokens[:kept].tolist()))


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("今天很好", 4, "今天很好"),
        ("今天很好，天气", 9, "今天很好，天气"),
        ("天气好？不；我们，上海", 9, "天气好？"),  # the strongest, not the last
        ("天气好?不；我们，上海", 9, "天气好?"),
        ("今天！天气。我们去公园", 8, "今天！天气。"),  # the last of the strongest
        ("天气好；不，我们去公园", 8, "天气好"),  # weak marks are left off
        ("天气好;不,我们去公园", 8, "天气好"),
        ("天气，不，我们去公园", 7, "天气，不"),
        ("天气，不我们去公园", 3, "天气"),
        ("，天气研究生", 3, "，天气"),  # a mark at the beginning cuts nothing off
        ("天气好研究生。", 6, "天气好研究生"),
        ("天气好研究生。", 5, "天气好"),  # between words
        ("我们 去公园", 2, "我们"),
        ("去 abbbb", 3, "去"),
        ("abbbb", 3, "a##b##b"),  # a word that does not fit
    ],
)
def test_where_a_sentence_is_cut(text: str, room: int, kept: str, tmp_path: Path) -> None:
    assert shortened(text, room, tmp_path) == kept

"""What is looked up in tables and cut many at once is what the tokenizer says, one by one."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
import rjieba
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken
from tokenizers import Tokenizer as Library
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import WhitespaceSplit

from wenlu.corpus import cutting, split_sentences
from wenlu.corpus.cutting import Cutter
from wenlu.text import CASED, UNCASED, Tokenizer

VOCABULARY = files("wenlu.assets") / "vocabulary" / "vocab.txt"
TOKENS = VOCABULARY.read_text("utf-8").splitlines()
SMALL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"我们今天。，x1é", "##天", "##x", "##。"]
TEXT = st.text(
    st.one_of(
        st.sampled_from("我们今天上海北京大学的研究生。，！？…”）\n\r\u2028 \tabcdx12345#-.'"),
        st.sampled_from(
            "\u3000éÉİßΣ한ががカ豈〇㎡℃→①ａ１𠮷😀👍🏽\u200d\ufe0f\u0301\u00a0\u200b\ufeff"
        ),
        st.sampled_from("\x00\x07\x1c\x85\ufffd\ue000٠\u0e33\u302e\u0345"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


def with_space() -> Tokenizer:
    """A tokenizer that is not BERT's: hanzi are no words, and one token has letters around it."""
    library = Library(WordPiece({token: n for n, token in enumerate(SMALL)}, unk_token="[UNK]"))
    library.pre_tokenizer = WhitespaceSplit()
    library.add_tokens([AddedToken("们今", normalized=False)])
    return Tokenizer(library, "a test")


TOKENIZERS = {
    "uncased": Tokenizer.from_tokens(TOKENS),
    "cased": Tokenizer.from_tokens(TOKENS, CASED),
    "accents": Tokenizer.from_tokens(TOKENS, replace(UNCASED, strip_accents=False)),
    "hanzi together": Tokenizer.from_tokens(SMALL, replace(UNCASED, chinese_chars=False)),
    "as it comes": Tokenizer.from_tokens(SMALL, replace(UNCASED, clean_text=False)),
    "another": with_space(),
}
CUTTERS = {name: Cutter(tokenizer) for name, tokenizer in TOKENIZERS.items()}


def cut_one_by_one(
    texts: Sequence[str], tokenizer: Tokenizer
) -> list[list[tuple[list[int], list[bool]]]]:
    """Ids and word starts of each sentence of each document."""
    documents = []
    for text in texts:
        sentences = []
        for sentence in split_sentences(text):
            encoding = tokenizer.encode(sentence)
            words = {start for _, start, _ in rjieba.tokenize(sentence)}
            starts = [
                number == 0 or (place in words and not (token.startswith("##") and token != "##"))
                for number, (token, (place, _)) in enumerate(
                    zip(tokenizer.tokens(encoding.ids), encoding.offsets or (), strict=True)
                )
            ]
            if encoding.ids:
                sentences.append((encoding.ids, starts))
        documents.append(sentences)
    return documents


def cut_at_once(texts: Sequence[str], cutter: Cutter) -> list[list[tuple[list[int], list[bool]]]]:
    cut = cutter.cut(texts)
    assert cut.tokens.shape == cut.word_starts.shape == (cut.sentences.sum(),)
    assert cut.documents.shape == (len(texts),)
    ends = np.cumsum(cut.sentences)[:-1]
    ids, starts = np.split(cut.tokens, ends), np.split(cut.word_starts, ends)
    pairs = iter(
        [(one.tolist(), first.tolist()) for one, first in zip(ids, starts, strict=True)]
        if len(cut.sentences)
        else []
    )
    documents = [[next(pairs) for _ in range(count)] for count in cut.documents]
    assert next(pairs, None) is None
    return documents


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_the_same_as_one_by_one(name: str, texts: list[str]) -> None:
    assert cut_at_once(texts, CUTTERS[name]) == cut_one_by_one(texts, TOKENIZERS[name])


def test_every_character_beside_letters_hanzi_and_itself() -> None:
    codes = [code for code in range(0x2800) if code not in (0x0A, 0x0D, 0x2028, 0x2029)]
    codes += [*range(0xFE00, 0xFFFF), 0xF900, 0x1F600, 0x20000, 0x2FA1D, 0x2FA1F]
    texts = [f"x{c}天{c}{c}1" for c in map(chr, codes)]
    cut, tokenizer = CUTTERS["uncased"].cut(texts), TOKENIZERS["uncased"]
    expected = [one.ids for one in tokenizer.encode_batch(texts)]
    ends = np.cumsum([len(ids) for ids in expected])
    assert cut.tokens.tolist() == [number for ids in expected for number in ids]
    assert set(ends) <= {0, *np.cumsum(cut.sentences)}


def test_words() -> None:
    tokenizer = TOKENIZERS["uncased"]
    cut = CUTTERS["uncased"].cut(["我在北京大学学习Tensorflow，他也是。Naïve!"])
    marked = [
        ("|" if start else "") + token
        for token, start in zip(tokenizer.tokens(cut.tokens.tolist()), cut.word_starts, strict=True)
    ]
    assert "".join(marked) == "|我|在|北京大学|学习|tensor##flow|，|他|也|是|。|na##ive|!"
    assert cut.sentences.sum() == len(marked)
    assert cut.characters == 29


def test_what_is_counted() -> None:
    cut = CUTTERS["uncased"].cut(["天𠮷气\r\n", "", "\u3000 ", "好。\u200b\n好"])
    assert cut.unknown == 1
    assert cut.characters == 3 + 0 + 2 + 4
    assert cut.documents.tolist() == [1, 0, 0, 2]
    assert cut.sentences.tolist() == [3, 2, 1]
    assert cut.tokens.dtype == np.uint16


def test_many_tokens_take_a_larger_type() -> None:
    spare = [f"[unused{number}]" for number in range(1 << 16)]
    tokenizer = Tokenizer.from_tokens([*SMALL[:5], *spare, "天"])
    cut = Cutter(tokenizer).cut(["天"])
    assert cut.tokens.dtype == np.uint32
    assert cut.tokens.tolist() == [len(tokenizer) - 1]


def test_long_texts_are_cut_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["我们在北京大学。今天，研究生！" * 3 + "\n天气不错" * 3] * 3
    whole = CUTTERS["uncased"].cut(texts)
    monkeypatch.setattr(cutting, "_WORDS_AT_ONCE", 7)
    monkeypatch.setattr(cutting, "_LARGEST_CACHE", 0)
    for one, other in zip(CUTTERS["uncased"].cut(texts), whole, strict=True):
        np.testing.assert_array_equal(one, other)

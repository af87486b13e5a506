import inspect
import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.errors import CheckpointError, ConfigError, DataError
from wenlu.text import CASED, UNCASED, Encoding, Normalization, Tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = [
    "ab",
    "##bc",
    "##abc",
    "un",
    "##aff",
    "##able",
    "ＡＢ",
    "ａ",
    "##ｂ",
    "éa",
    "##é",
    "##e\u0301",
]
NASTY = (
    "aAbBcCzZ019.,[]#-_'$^`文炉中国的𠮷𪚥，。！？、《》「」“”…—～ＡｂＺａ１２０．（）\u3000 \t\n\r"
    "\x00\x01\x0b\x0c\x1c\x1f\x7f\x85\xa0\xad\u200b\u200c\u200d\u200e\u202e\u2028\u2029\u2060\ufeff"
    "\ufffd\ue000ÉéÀñÅÅǰßẞİıſKΩΣσςﬁĳǅ①½㎏\u0301\u0302\u0323\u0327\u0344\u0345\u20dd"
    "👨👩👧👍🏽🇨🇳❤\ufe0f\ufe0e🏳🏴\U000e0067\U000e007f한각국힣ᄒ\u1161\u11a8かガﾊﾞאבְגשׁءآلعक्षिกำ\u0f73\u0958豈\U0002f800𝒜𝅗𝅥"
)
VOCABULARY = list(
    dict.fromkeys(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *LETTERS.upper()]
        + [f"##{letter}" for letter in LETTERS]
        + WORDS
        + list("文炉中国的𠮷，。！[]#.019👍🏽👨🇨한\u1112\u1100ßéıσẞ豈\ue000\u200b\u0301")
        + [f"##{c}" for c in "\u1161\u11ab\u11a8\u0301\u0307👩🇳１ßσıA\u200d\ufe0f\x00"]
    )
)
POLICIES = [
    Normalization(clean_text=a, chinese_chars=b, lowercase=c, strip_accents=d)
    for a, b, c, d in product((True, False), (True, False), (True, False), (None, True, False))
]
TOKENIZERS = [Tokenizer.from_tokens(VOCABULARY, policy) for policy in POLICIES]
UNCASED_TOKENIZER = TOKENIZERS[POLICIES.index(UNCASED)]

texts = st.lists(
    st.one_of(st.sampled_from(NASTY), st.sampled_from([*WORDS, "unaffable", "[MASK]", "abc"])),
    max_size=20,
).map("".join)
tokenizers = st.sampled_from(TOKENIZERS)


# An independent tokenizer, from the algorithm that BERT published (basic tokenizer, then greedy
# longest match), with the two steps that the library does otherwise: it drops accents before it
# lowers, and lowers letter by letter.


def is_hanzi(c: str) -> bool:
    ranges = (
        (0x4E00, 0x9FFF),
        (0x3400, 0x4DBF),
        (0x20000, 0x2A6DF),
        (0x2A700, 0x2B73F),
        (0x2B740, 0x2B81F),
        (0x2B820, 0x2CEAF),
        (0xF900, 0xFAFF),
        (0x2F800, 0x2FA1F),
    )
    return any(low <= ord(c) <= high for low, high in ranges)


def is_space(c: str) -> bool:
    return c.isspace() and c not in "\x1c\x1d\x1e\x1f"


def normalize(text: str, policy: Normalization) -> str:
    if policy.clean_text:
        kept = [
            c
            for c in text
            if c in "\t\n\r" or (unicodedata.category(c)[0] != "C" and c != "\ufffd")
        ]
        text = "".join(" " if is_space(c) else c for c in kept)
    if policy.chinese_chars:
        text = "".join(f" {c} " if is_hanzi(c) else c for c in text)
    if policy.strips_accents:
        text = unicodedata.normalize("NFD", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return "".join(c.lower() for c in text) if policy.lowercase else text


def words(text: str) -> list[str]:
    spaced = ""
    for c in text:
        ascii_punctuation = c.isascii() and c.isprintable() and not c.isalnum() and c != " "
        alone = ascii_punctuation or unicodedata.category(c)[0] == "P"
        spaced += f"\n{c}\n" if alone else "\n" if is_space(c) else c
    return [word for word in spaced.split("\n") if word]


def pieces(word: str) -> list[str]:
    found: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        ends = (e for e in range(len(word), start, -1) if mark + word[start:e] in VOCABULARY)
        end = next(ends, None)
        if end is None or len(word) > 100:
            return ["[UNK]"]
        found.append(mark + word[start:end])
        start = end
    return found


def reference(text: str, policy: Normalization) -> list[str]:
    return [piece for word in words(normalize(text, policy)) for piece in pieces(word)]


@settings(max_examples=500, deadline=None)
@given(texts, tokenizers)
def test_tokens_are_those_of_the_published_algorithm(text: str, tokenizer: Tokenizer) -> None:
    assert tokenizer.normalization is not None
    tokens = tokenizer.tokens(tokenizer.encode(text).ids)
    assert tokens == reference(text, tokenizer.normalization)


@settings(max_examples=150, deadline=None)
@given(texts)
def test_tokens_are_those_of_the_python_tokenizer(
    legacy: Callable[[str], list[str]], text: str
) -> None:
    text = text.replace("Σ", "")  # it writes a final sigma as ς
    theirs = legacy(text)
    assert UNCASED_TOKENIZER.tokens(UNCASED_TOKENIZER.encode(text).ids) == theirs


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    path = tmp_path_factory.mktemp("legacy") / "vocab.txt"
    path.write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8", newline="\n")
    tokenizer = BertTokenizerLegacy(str(path))
    return partial(tokenizer._tokenize, split_special_tokens=True)


# Offsets


@settings(max_examples=500, deadline=None)
@given(texts, tokenizers)
def test_offsets_are_ordered_spans_that_cover_what_is_not_dropped(
    text: str, tokenizer: Tokenizer
) -> None:
    policy = tokenizer.normalization
    assert policy is not None
    encoding = tokenizer.encode(text)
    assert encoding.offsets is not None
    assert len(encoding.offsets) == len(encoding.ids) == len(encoding)
    previous = (0, 0)
    covered: set[int] = set()
    for start, end in encoding.offsets:
        assert 0 <= start < end <= len(text)
        # a token starts where the last one ended, or later; only tokens that come from one
        # character, which was decomposed, have the same place
        assert start >= previous[1] or ((start, end) == previous and end == start + 1)
        previous = (start, end)
        covered.update(range(start, end))
    for index, c in enumerate(text):
        if normalize(c, policy).strip() and not c.isspace():
            assert index in covered, (index, c)


@settings(max_examples=500, deadline=None)
@given(texts, tokenizers)
def test_the_text_at_the_offsets_is_the_token(text: str, tokenizer: Tokenizer) -> None:
    policy = tokenizer.normalization
    assert policy is not None
    encoding = tokenizer.encode(text)
    assert encoding.offsets is not None
    places = encoding.offsets
    for token, place in zip(tokenizer.tokens(encoding.ids), places, strict=True):
        piece = text[slice(*place)]
        surface = token.removeprefix("##") if len(token) > 2 else token
        found = normalize(piece, policy).replace(" ", "")
        if token == "[UNK]":
            assert found
        elif places.count(place) > 1:  # one of the parts of a decomposed character
            assert surface in found
        else:
            assert found == surface
        if all(is_hanzi(c) or (c.isascii() and c.isprintable()) for c in piece):
            lowered = piece.lower() if policy.lowercase else piece
            plain = piece not in ("\uf900", "\U0002f800") and token != "[UNK]"
            assert not plain or lowered == surface


@settings(max_examples=200, deadline=None)
@given(texts, texts, st.sampled_from([" ", "\n", "文", " 。"]), tokenizers)
def test_parts_encode_alone_as_together(
    before: str, after: str, between: str, tokenizer: Tokenizer
) -> None:
    policy = tokenizer.normalization
    assert policy is not None
    if between == "文" and not policy.chinese_chars:
        between = "\n"
    expected = Encoding([], [])
    shift = 0
    for part in (before, between, after):
        one = tokenizer.encode(part)
        assert one.offsets is not None
        places = [(start + shift, end + shift) for start, end in one.offsets]
        expected = Encoding(expected.ids + one.ids, (expected.offsets or []) + places)
        shift += len(part)
    if between == " 。" or not unicodedata.combining((after + "a")[0]):
        assert tokenizer.encode(before + between + after) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, max_size=5), tokenizers)
def test_a_batch_is_its_texts(batch: list[str], tokenizer: Tokenizer) -> None:
    alone = [tokenizer.encode(text) for text in batch]
    assert tokenizer.encode_batch(batch) == alone
    without = tokenizer.encode_batch(batch, offsets=False)
    assert without == [Encoding(one.ids, None) for one in alone]


def test_a_long_batch_keeps_its_order() -> None:
    batch = ["文" * (number % 5) for number in range(3000)]
    found = UNCASED_TOKENIZER.encode_batch(batch)
    assert [len(one) for one in found] == [number % 5 for number in range(3000)]


@pytest.mark.parametrize(
    ("text", "tokens", "offsets"),
    [
        ("", [], []),
        ("\x00\u200b \u3000", [], []),
        ("文\u200d炉", ["文", "炉"], [(0, 1), (2, 3)]),
        ("𠮷文", ["𠮷", "文"], [(0, 1), (1, 2)]),
        ("a\x00b文", ["ab", "文"], [(0, 3), (3, 4)]),
        ("E\u0301x", ["e", "##x"], [(0, 1), (2, 3)]),
        ("\u0301e", ["e"], [(1, 2)]),
        ("한x", ["\u1112", "##\u1161", "##\u11ab", "##x"], [(0, 1), (0, 1), (0, 1), (1, 2)]),
        ("👨\u200d👩 文", ["👨", "##👩", "文"], [(0, 1), (2, 3), (4, 5)]),
        ("🇨🇳", ["🇨", "##🇳"], [(0, 1), (1, 2)]),
        ("ü\u3000ab", ["u", "ab"], [(0, 1), (2, 4)]),
        ("龘！", ["[UNK]", "！"], [(0, 1), (1, 2)]),
        ("a" * 101, ["[UNK]"], [(0, 101)]),
        ("[CLS]", ["[", "c", "##l", "##s", "]"], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
        ("a\u2028b\x85c", ["a", "b", "##c"], [(0, 1), (2, 3), (4, 5)]),
    ],
)
def test_offsets_by_example(text: str, tokens: list[str], offsets: list[tuple[int, int]]) -> None:
    encoding = UNCASED_TOKENIZER.encode(text)
    assert UNCASED_TOKENIZER.tokens(encoding.ids) == tokens
    assert encoding.offsets == offsets


def test_a_letter_that_grows_when_lowered_shares_its_place() -> None:
    tokenizer = Tokenizer.from_tokens(VOCABULARY, Normalization(strip_accents=False))
    encoding = tokenizer.encode("xİb")
    assert tokenizer.tokens(encoding.ids) == ["x", "##i", "##\u0307", "##b"]
    assert encoding.offsets == [(0, 1), (1, 2), (1, 2), (2, 3)]


def test_marks_that_change_places_stay_in_their_run() -> None:
    """NFD puts U+302E, a spacing mark that stays, before U+0345, which is dropped."""
    tokenizer = Tokenizer.from_tokens([*VOCABULARY, "##\u302e"])
    encoding = tokenizer.encode("a\u0345\u302e文")
    assert tokenizer.tokens(encoding.ids) == ["a", "##\u302e", "文"]
    assert encoding.offsets is not None
    assert encoding.offsets[0] == (0, 1)
    assert encoding.offsets[1] in ((1, 2), (2, 3))
    assert encoding.offsets[2] == (3, 4)


# What cannot be tokenized


def test_a_lone_surrogate_is_named() -> None:
    message = r"the text has a lone surrogate, U\+D83D, at index 2: .*'ignore'"
    with pytest.raises(DataError, match=message):
        UNCASED_TOKENIZER.encode("文炉\ud83d")
    for offsets in (True, False):
        with pytest.raises(DataError, match=r"text 1501 has a lone surrogate, U\+DC00, at index 0"):
            UNCASED_TOKENIZER.encode_batch(["文"] * 1501 + ["\udc00"], offsets=offsets)


def test_only_strings() -> None:
    with pytest.raises(DataError, match="takes a list of texts; for one text use encode"):
        UNCASED_TOKENIZER.encode_batch("文炉")
    encode_batch: Any = inspect.unwrap(Tokenizer.encode_batch)  # without the tests' type checks
    with pytest.raises(DataError, match="text 1 is of type tuple; it must be a string"):
        encode_batch(UNCASED_TOKENIZER, ["文", ("文", "炉")])
    with pytest.raises(DataError, match="text 0 is of type NoneType"):
        encode_batch(UNCASED_TOKENIZER, [None, "文"])
    encode: Any = inspect.unwrap(Tokenizer.encode)
    with pytest.raises(DataError, match="the text is of type int"):
        encode(UNCASED_TOKENIZER, 7)


# Special tokens and vocabulary


def test_special_tokens() -> None:
    t = UNCASED_TOKENIZER
    assert (t.pad_id, t.unknown_id, t.cls_id, t.sep_id, t.mask_id) == (0, 1, 2, 3, 4)
    assert len(t) == len(VOCABULARY)
    assert t.vocabulary == VOCABULARY
    assert t.ids(["[CLS]", "文"]) == [2, VOCABULARY.index("文")]


def test_no_mask_is_an_error_only_when_used() -> None:
    tokenizer = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "文"])
    with pytest.raises(CheckpointError, match=r"has no \[MASK\]; masked"):
        _ = tokenizer.mask_id


def test_unknown_ids_and_tokens() -> None:
    for wrong in (-1, len(VOCABULARY)):
        with pytest.raises(ConfigError, match=rf"id {wrong} is not in .*: ids go to "):
            UNCASED_TOKENIZER.tokens([0, wrong])
    with pytest.raises(ConfigError, match=r"no token '\[MASQ\]'; the closest are \[MASK\]"):
        UNCASED_TOKENIZER.ids(["[MASQ]"])


def test_unknown_share() -> None:
    found = UNCASED_TOKENIZER.encode_batch(["文龘", "炉炉", ""])
    assert UNCASED_TOKENIZER.unknown_share(found) == 0.25
    assert UNCASED_TOKENIZER.unknown_share([]) == 0


def test_a_blank_line_does_not_shift_ids(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    lines = ["[PAD]", "", "[UNK]", "\u3000", "[CLS]", "[SEP]", "", "文", "", ""]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig", newline="")
    tokenizer = Tokenizer.from_vocab(path)
    assert tokenizer.encode("文").ids == [7]
    assert len(tokenizer) == 10
    assert tokenizer.sep_id == 5


# Joining


def test_join() -> None:
    t = UNCASED_TOKENIZER
    one = t.join([7, 8], None, 10)
    assert (one.ids, one.segments, one.cut, one.second) == ([2, 7, 8, 3], [0] * 4, 0, 4)
    two = t.join([7, 8], [9], 10)
    assert two.ids == [2, 7, 8, 3, 9, 3]
    assert two.segments == [0, 0, 0, 0, 1, 1]
    assert two.second == 4
    assert t.join([7, 8], [9], 10, segments=False).segments == [0] * 6
    assert t.join([], [], 3).ids == [2, 3, 3]


@given(
    st.lists(st.integers(5, 9), max_size=20),
    st.none() | st.lists(st.integers(5, 9), max_size=20),
    st.integers(3, 40),
)
def test_join_drops_the_ends(first: list[int], second: list[int] | None, longest: int) -> None:
    joined = UNCASED_TOKENIZER.join(first, second, longest)
    whole = len(first) + 2 + (0 if second is None else len(second) + 1)
    assert len(joined.ids) == len(joined.segments) == min(whole, longest)
    assert joined.cut == whole - len(joined.ids)
    if second is None:
        assert joined.ids == [2, *first[: longest - 2], 3]
        assert joined.second == len(joined.ids)
    else:
        kept = joined.ids[joined.second : -1]
        assert kept == second[: len(kept)]
        assert joined.ids[1 : joined.second - 1] == first[: joined.second - 2]
        assert sum(joined.segments) == len(kept) + 1


def test_join_needs_room_for_special_tokens() -> None:
    with pytest.raises(ConfigError, match=r"max_length 2 has no room .* must be 3 or more"):
        UNCASED_TOKENIZER.join([5], [6], 2)
    with pytest.raises(ConfigError, match="must be 2 or more"):
        UNCASED_TOKENIZER.join([5], None, 1)


# Files


@pytest.mark.parametrize("policy", [UNCASED, CASED, *POLICIES[1::5]], ids=str)
def test_saved_folders_are_the_same_tokenizer_here_and_in_transformers(
    policy: Normalization, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, BertTokenizer

    ours = Tokenizer.from_tokens(VOCABULARY, policy)
    ours.save(tmp_path / "a" / "model")
    folder = tmp_path / "a" / "model"
    assert sorted(path.name for path in folder.iterdir()) == [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]
    (folder / "config.json").write_text('{"model_type": "bert"}')
    readers = [AutoTokenizer, BertTokenizer] if policy.clean_text else [AutoTokenizer]
    examples = ["文炉，unaffable Éa\u200bＡ。", NASTY, "한국 İ \x00", "文"]
    for reader in readers:
        theirs = reader.from_pretrained(folder)
        assert len(theirs) == len(ours)
        for a, b in zip(examples, reversed(examples), strict=True):
            first, second = ours.encode(a).ids, ours.encode(b).ids
            assert theirs(a)["input_ids"] == ours.join(first, None, 999).ids
            pair, joined = theirs(a, b), ours.join(first, second, 999)
            assert pair["input_ids"] == joined.ids
            assert pair["token_type_ids"] == joined.segments
        assert theirs.mask_token_id == ours.mask_id
        assert theirs.pad_token_id == ours.pad_id
    again = [
        Tokenizer.from_folder(folder),
        Tokenizer.from_json(folder / "tokenizer.json"),
        Tokenizer.from_vocab(folder / "vocab.txt", policy),
    ]
    for tokenizer in again:
        assert tokenizer.vocabulary == VOCABULARY
        assert tokenizer.normalization == policy
        assert tokenizer.encode_batch(examples) == ours.encode_batch(examples)
        special = "[MASK] [CLS]"  # text, also where the file names them as special
        assert tokenizer.encode(special) == ours.encode(special)


def test_a_folder_of_vocabulary_and_settings(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    assert Tokenizer.from_folder(tmp_path).normalization == UNCASED
    settings = {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": False}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    policy = Normalization(lowercase=False, chinese_chars=False)
    assert Tokenizer.from_folder(tmp_path).normalization == policy


@pytest.mark.parametrize(
    ("settings", "lowercase"),
    [
        ({}, True),
        ({"do_lower_case": False}, False),
        ({"do_lower_case": False, "tokenizer_class": "PreTrainedTokenizerFast"}, True),
    ],
)
def test_settings_hold_over_tokenizer_json_as_in_transformers(
    settings: dict[str, object], lowercase: bool, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    UNCASED_TOKENIZER.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ours = Tokenizer.from_folder(tmp_path)
    assert ours.normalization == Normalization(lowercase=lowercase)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs("ABé")["input_ids"][1:-1] == ours.encode("ABé").ids


def test_truncation_and_padding_of_a_file_are_off(tmp_path: Path) -> None:
    import tokenizers

    UNCASED_TOKENIZER.save(tmp_path)
    path = str(tmp_path / "tokenizer.json")
    library = tokenizers.Tokenizer.from_file(path)
    library.enable_truncation(4)
    library.enable_padding(length=8)
    library.save(path)
    assert len(Tokenizer.from_json(path).encode("文" * 20)) == 20
    assert len(Tokenizer.from_json(path).encode("文")) == 1


def test_a_tokenizer_with_added_words_keeps_them(tmp_path: Path) -> None:
    import tokenizers
    from transformers import AutoTokenizer

    UNCASED_TOKENIZER.save(tmp_path / "a")
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "a" / "tokenizer.json"))
    library.add_tokens(["文炉"])
    library.save(str(tmp_path / "tokenizer.json"))
    ours = Tokenizer.from_folder(tmp_path)
    assert len(ours) == len(VOCABULARY) + 1
    assert ours.encode("a文炉") == Encoding([5, len(VOCABULARY)], [(0, 1), (1, 3)])
    ours.save(tmp_path / "b")
    (tmp_path / "b" / "config.json").write_text('{"model_type": "bert"}')
    theirs = AutoTokenizer.from_pretrained(tmp_path / "b")
    assert theirs("a文炉")["input_ids"] == [2, 5, len(VOCABULARY), 3]
    assert Tokenizer.from_folder(tmp_path / "b").encode("a文炉") == ours.encode("a文炉")


def write_json(folder: Path, **model: object) -> Path:
    state = json.loads(UNCASED_TOKENIZER._library.to_str())
    state["model"] |= model
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(state), encoding="utf-8")
    return path


def test_another_model_is_named(tmp_path: Path) -> None:
    import tokenizers

    path = tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(tokenizers.models.BPE()).save(str(path))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json holds a BPE model; only WordPiece"):
        Tokenizer.from_json(path)
    state = json.loads(path.read_text())
    del state["model"]["type"]  # as old files are
    path.write_text(json.dumps(state))
    with pytest.raises(CheckpointError, match="holds a BPE model"):
        Tokenizer.from_json(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"tokenizer\.json is not valid JSON: "),
        (b"[]", r"tokenizer\.json holds a JSON list, not an object"),
        (b"{}", r"tokenizer\.json is no tokenizer\.json of `tokenizers`"),
        ("{'文'}".encode("gb18030"), r"tokenizer\.json is not UTF-8: byte 0xce at offset 2"),
    ],
)
def test_broken_json(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Tokenizer.from_json(path)


def test_json_vocabularies_are_checked(tmp_path: Path) -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    hole = Tokenizer.from_json(write_json(tmp_path, vocab=ids | {"文": 6}))
    assert hole.vocabulary == [*ids, "", "", "文"]
    with pytest.raises(CheckpointError, match=r"gives id 3 to both "):
        Tokenizer.from_json(write_json(tmp_path, vocab=ids | {"文": 3}))
    with pytest.raises(CheckpointError, match=r"5 tokens, but ids as high as 999999"):
        Tokenizer.from_json(write_json(tmp_path, vocab=ids | {"文": 999999}))
    with pytest.raises(CheckpointError, match=r"lacks \[CLS\], \[SEP\]"):
        Tokenizer.from_json(write_json(tmp_path, vocab={"[PAD]": 0, "[UNK]": 1}))
    with pytest.raises(CheckpointError, match=r"calls the unknown token '文'; it must be \[UNK\]"):
        Tokenizer.from_json(write_json(tmp_path, vocab=ids | {"文": 4}, unk_token="文"))


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has neither tokenizer\.json nor vocab\.txt"):
        Tokenizer.from_folder(tmp_path)
    with pytest.raises(CheckpointError, match="is no folder, so it has neither"):
        Tokenizer.from_folder(tmp_path / "nothing")
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": "no"}')
    with pytest.raises(CheckpointError, match="do_lower_case is 'no'; it must be true or false"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json is not valid JSON"):
        Tokenizer.from_folder(tmp_path)


def test_a_token_with_a_line_break_cannot_be_saved(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_tokens([*VOCABULARY, "a\nb"])
    with pytest.raises(CheckpointError, match=r"is 'a\\nb': vocab\.txt has one token a line"):
        tokenizer.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot make the folder .*a: File exists"):
        UNCASED_TOKENIZER.save(tmp_path / "a")


def test_repr_says_what_and_whence() -> None:
    found = repr(UNCASED_TOKENIZER)
    assert found.startswith(f"Tokenizer({len(VOCABULARY)} tokens from the list of tokens, Norm")


def test_the_import_is_light() -> None:
    code = (
        "import sys, wenlu.text, wenlu.corpus; heavy = {'torch', 'transformers', 'tokenizers',"
        "'zstandard'}; print(sorted(heavy & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

import pytest

from wenlu.text import CASED, UNCASED, Normalization


def normalized(text: str, policy: Normalization = UNCASED) -> str:
    return policy.to_library().normalize_str(text)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("文炉", " 文  炉 "),
        ("ＡＢＣ１２３", "ａｂｃ１２３"),  # lowered, but not made half-width
        ("Ａ，。！", "ａ，。！"),
        ("Éé", "ee"),
        ("e\u0301", "e"),
        ("İI", "ii"),
        ("ß", "ß"),
        ("ΟΔΟΣ", "οδοσ"),  # no final sigma
        ("ﬁ①½", "ﬁ①½"),  # compatibility forms stay
        ("한", "\u1112\u1161\u11ab"),
        ("a\u200bb\u200cc\u200dd\ufeffe\u00adf\u202eg", "abcdefg"),
        ("a\u3000b\u00a0c\td\ne\u2028f", "a b c d e f"),
        ("a\x00b\x01c\x1fd\x85e\x7ff\ufffdg\ue000h", "abcdefgh"),
        ("👨\u200d👩", "👨👩"),
        ("❤\ufe0f", "❤"),
        ("🇨🇳👍🏽", "🇨🇳👍🏽"),
        ("𠮷", " 𠮷 "),
        ("\uf900", " 豈 "),  # a compatibility hanzi becomes the ordinary one
        ("かカが한", "かカか\u1112\u1161\u11ab"),  # kana and Hangul are not spaced
    ],
)
def test_uncased(text: str, becomes: str) -> None:
    assert normalized(text) == becomes


@pytest.mark.parametrize(
    ("policy", "text", "becomes"),
    [
        (CASED, "Éa\u0301\u200b", "Éa\u0301"),
        (CASED, "\uf900한", " \uf900 한"),
        (Normalization(strip_accents=False), "ÉİA", "éi\u0307a"),
        (Normalization(lowercase=False, strip_accents=True), "ÉA", "EA"),
        (Normalization(clean_text=False), "a\u200b\x00\tb", "a\u200b\x00\tb"),
        (Normalization(chinese_chars=False), "文炉", "文炉"),
    ],
)
def test_each_part_can_be_switched(policy: Normalization, text: str, becomes: str) -> None:
    assert normalized(text, policy) == becomes


def test_accents_follow_case_unless_said() -> None:
    assert UNCASED.strips_accents
    assert not CASED.strips_accents
    assert Normalization(lowercase=False, strip_accents=True).strips_accents


def test_a_state_of_the_library_is_read_back() -> None:
    state = {
        "type": "BertNormalizer",
        "clean_text": False,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": False,
    }
    assert Normalization.from_library(state) == Normalization(clean_text=False, lowercase=False)
    assert Normalization.from_library({"type": "NFC"}) is None
    assert Normalization.from_library(None) is None

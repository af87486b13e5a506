import json
from collections.abc import Iterator

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_document, read_records
from wenlu.text.normalization import UNCASED
from wenlu.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))


def test_special_tokens_come_first(tokenizer: Tokenizer) -> None:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    unused = [f"[unused{number}]" for number in range(1, 21)]
    assert tokenizer.vocabulary[:25] == [*special, *unused]


def test_there_are_8000_different_tokens_as_the_normalization_leaves_them(
    tokenizer: Tokenizer,
) -> None:
    assert len(tokenizer) == len(set(tokenizer.vocabulary)) == 8000
    normalize = UNCASED.to_library().normalize_str
    for token in tokenizer.vocabulary[25:]:
        plain = token.removeprefix("##")
        assert normalize(plain).strip() == plain


def test_common_hanzi_punctuation_digits_and_letters_are_all_there(tokenizer: Tokenizer) -> None:
    level_1 = bytes(
        byte for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for byte in (row, cell)
    ).decode("gb2312", errors="ignore")
    assert len(level_1) == 3755
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~，。、：；？！“”‘’（）【】《》「」『』—…·～￥"
    wanted = {*level_1, *alphabet, *(f"##{letter}" for letter in alphabet), *punctuation}
    assert wanted - set(tokenizer.vocabulary) == set()


def strings(value: object) -> Iterator[str]:
    """All the texts in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def test_the_samples_have_next_to_no_unknown_tokens(tokenizer: Tokenizer) -> None:
    texts: list[str] = []
    for path in sorted(asset("samples").glob("*/*.json")):
        if path.parent.name in ("choices", "reading"):
            texts += strings(read_document(path))
        else:
            for record in read_records(path):
                texts += strings(record.fields)
    assert len(texts) > 10_000
    assert tokenizer.unknown_share(tokenizer.encode_batch(texts)) < 0.001


def test_latin_words_are_cut_into_pieces(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("用Python训练BERT，GPU上3.5小时").ids
    assert tokenizer.unknown_id not in ids
    assert len(ids) <= 18
    assert json.dumps(tokenizer.tokens(ids), ensure_ascii=False).startswith('["用", "python", "训"')

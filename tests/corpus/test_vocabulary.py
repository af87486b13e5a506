import json
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.corpus import Vocabulary, build_vocabulary, counts, vocabulary
from wenlu.corpus.counts import TextCounts, count_text
from wenlu.errors import ConfigError, DataError
from wenlu.text import CASED, UNCASED, Tokenizer

TEXT = """今天上海的天气不错，我们用wenlu训练BERT！气温25℃，→晴☀。
我们的模型：transformer、transformers、former。今天的天气？
的的的天天天 wenlu wenlu ☀☀ ｡♥‿♥｡ Éa привет
"""
FIXED = 5 + 2 * 10 + 2 * 26  # special tokens, digits and letters


def write(folder: Path, *texts: str) -> Path:
    path = folder / "text.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return path


def count_parts(made: Vocabulary) -> int:
    return FIXED + made.unused + made.hanzi + made.punctuation + made.signs + made.latin


@given(
    texts=st.lists(
        st.text(
            st.one_of(
                st.sampled_from("今天上海的气，。！？→☀℃abcxyzAÉ12 \n\u200b\u3000𠮷가カが"),
                st.characters(exclude_categories=["Cs"]),
            ),
            max_size=40,
        ),
        min_size=1,
        max_size=5,
    ),
    size=st.integers(FIXED + 2, 200),
    latin=st.integers(0, 40),
    unused=st.integers(0, 30),
    min_count=st.integers(0, 3),
)
@settings(max_examples=25, deadline=None)
def test_of_exactly_the_size_and_loads(
    texts: list[str],
    size: int,
    latin: int,
    unused: int,
    min_count: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("vocabulary")
    path = write(folder, *texts, "天")
    latin, unused = min(latin, size - FIXED - 1), 0 if latin + unused >= size - FIXED else unused
    made = build_vocabulary([path], size, latin=latin, unused=unused, min_count=min_count)
    assert len(made.tokens) == len(set(made.tokens)) == size == count_parts(made)
    out = folder / "vocab.txt"
    out.write_text("".join(f"{token}\n" for token in made.tokens), "utf-8")
    tokenizer = Tokenizer.from_vocab(out)
    assert tuple(tokenizer.vocabulary) == made.tokens
    encodings = [tokenizer.encode(text) for text in [*texts, "天"]]
    assert made.unknown_share == tokenizer.unknown_share(encodings)


def test_what_it_holds_and_in_which_order(tmp_path: Path) -> None:
    made = build_vocabulary([write(tmp_path, TEXT, TEXT)], 150, latin=12, unused=3)
    tokens = iter(made.tokens)

    def take(count: int) -> list[str]:
        return list(islice(tokens, count))

    assert take(5) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert take(made.unused) == [f"[unused{number}]" for number in range(1, made.unused + 1)]
    frequent = Counter(TEXT)
    for count, some in ((made.hanzi, "天的今们"), (made.punctuation, "，。、？")):
        found = take(count)
        assert found == sorted(found, key=lambda one: (-frequent[one], one))
        assert set(some) <= set(found)
    fixed = [*"0123456789"], [*"abcdefghijklmnopqrstuvwxyz"]
    for characters in fixed:
        assert take(2 * len(characters)) == characters + [f"##{one}" for one in characters]
    signs = take(made.signs)
    assert {"##℃", "→", "##☀", "☀", "♥", "п", "##р"} <= set(signs)
    assert "℃" not in signs  # it comes only after a number
    pieces = list(tokens)
    assert len(pieces) == made.latin >= 12
    assert "wenlu" in pieces
    assert all(piece.removeprefix("##").isalpha() for piece in pieces)
    assert made.documents == 2
    assert made.characters == 2 * (len(TEXT) - TEXT.count("\n"))
    assert made.unknown_share == 0


def test_rare_characters_and_room(tmp_path: Path) -> None:
    path = write(tmp_path, "天" * 9 + "气" * 5 + "好" * 3 + "𠮷" + "，" * 3)
    many = build_vocabulary([path], 120, latin=0, unused=0, min_count=1)
    assert (many.hanzi, many.punctuation) == (4, 1)
    assert many.unused == 120 - FIXED - 5
    assert many.unknown_share == 0
    frequent = build_vocabulary([path], 120, latin=0, unused=0, min_count=4)
    assert (frequent.hanzi, frequent.punctuation) == (2, 0)
    assert frequent.unknown_share == 7 / 21
    small = build_vocabulary([path], FIXED + 3, latin=0, unused=0)
    assert small.tokens[5:8] == ("天", "气", "好")  # before ，, which comes as often
    assert small.unknown_share == 4 / 21


def test_latin_pieces_get_the_room_that_characters_leave(tmp_path: Path) -> None:
    path = write(tmp_path, "天气 " + "transformer former transform " * 3)
    made = build_vocabulary([path], FIXED + 12, latin=2, unused=0, min_count=1)
    assert (made.hanzi, made.latin, made.unused) == (2, 10, 0)
    few = build_vocabulary([path], FIXED + 99, unused=1, min_count=1)
    assert "transformer" in few.tokens
    assert few.unused == 1 + FIXED + 99 - FIXED - 1 - 2 - few.latin


def test_cased(tmp_path: Path) -> None:
    path = write(tmp_path, "天气 ÉCOLE École " * 3)
    cased = build_vocabulary([path], 300, normalization=CASED)
    assert {"A", "##Z", "É", "##C"} <= set(cased.tokens)
    assert {"A", "É"}.isdisjoint(build_vocabulary([path], 300).tokens)


def test_words_that_are_too_long_for_wordpiece_are_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, "天气" + "a" * 5000 + "，" + "b" * 100)
    made = build_vocabulary([path], FIXED + 9, unused=0, latin=0, min_count=1)
    tokenizer = Tokenizer.from_tokens(made.tokens)
    found = tokenizer.encode("天气" + "a" * 5000 + "，" + "b" * 100)
    assert found.ids.count(tokenizer.unknown_id) == 1
    assert made.unknown_share == tokenizer.unknown_share([found])
    assert not any("a" in token for token in made.tokens[-made.latin :])


def test_the_same_every_time(tmp_path: Path) -> None:
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "stuvw" for c in "lmn"]  # all as frequent
    path = write(tmp_path, " ".join(words * 2))
    code = (
        "import sys; from wenlu.corpus import build_vocabulary as build\n"
        "print(' '.join(build([sys.argv[1]], 180, latin=60).tokens))"
    )
    command = [sys.executable, "-c", code, str(path)]
    said = {subprocess.run(command, capture_output=True, check=True).stdout for _ in range(3)}
    said.add((" ".join(build_vocabulary([path], 180, latin=60).tokens) + "\n").encode())
    assert len(said) == 1


def test_many_words_are_scaled_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "wenlu " * 400 + "zebra " * 4)
    monkeypatch.setattr(vocabulary, "_MOST_WORDS", 40)
    made = build_vocabulary([path], FIXED + 9, unused=0, latin=5)
    assert "wenlu" in made.tokens
    assert "zebra" not in made.tokens


def test_many_runs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = TextCounts(UNCASED)
    monkeypatch.setattr(counts, "_MOST_RUNS", 8)
    counted.add(["ab ab ab cd cd ef gh ij kl mn"])
    assert len(dict(counted.runs())) == 7
    counted.add(["op qr"])
    assert dict(counted.runs()) == {"ab": 3, "cd": 2}


def test_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, *["今天天气不错"] * 50)
    monkeypatch.setattr(counts, "_BATCH", 20)
    told: list[tuple[int, int]] = []
    counted = count_text([path], UNCASED, progress=lambda *it: told.append(it))
    assert dict(counted.alone())["天"] == 100
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == (path.stat().st_size,) * 2


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"size": 5}, "a vocabulary of 5 tokens has no room for characters"),
        ({"size": FIXED + 20, "latin": 0}, "digits, Latin letters and 0 pieces .* take 97"),
        ({"size": 200, "latin": 103}, "take 200. Take a larger size, or fewer pieces or unused"),
        ({"size": 200, "latin": -1}, "must be 0 or more"),
        ({"size": 200, "unused": -1}, "must be 0 or more"),
        ({"size": 200, "min_count": -1}, "must be 0 or more"),
    ],
)
def test_sizes_that_cannot_be(settings: dict[str, int], problem: str, tmp_path: Path) -> None:
    path = write(tmp_path, "天气")
    with pytest.raises(ConfigError, match=problem):
        build_vocabulary([path], **settings)


@pytest.mark.parametrize("text", ["", " \n\u3000", "\u200b"])
def test_no_text(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match="no document has a single word"):
        build_vocabulary([path], 200)

from pathlib import Path

import pytest

from wenlu.errors import CheckpointError
from wenlu.text.vocabulary import check_vocabulary, read_vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def read(folder: Path, content: bytes) -> list[str]:
    path = folder / "vocab.txt"
    path.write_bytes(content)
    return read_vocabulary(path)


def test_a_byte_order_mark_and_windows_line_ends_go(tmp_path: Path) -> None:
    content = "\r\n".join([*SPECIAL, "文", "##炉"]).encode("utf-8-sig")
    assert read(tmp_path, content) == [*SPECIAL, "文", "##炉"]


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_last_line_may_lack_its_line_feed(tmp_path: Path, end: str) -> None:
    assert read(tmp_path, f"文\n炉{end}".encode()) == ["文", "炉"]


def test_a_line_of_white_space_keeps_its_id(tmp_path: Path) -> None:
    tokens = read(tmp_path, "文\n\n \n\u3000\r\n\u2028\n\x85\n炉\n\n".encode())
    assert tokens == ["文", "", " ", "\u3000", "\u2028", "\x85", "炉", ""]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, "a\u2028b\nc\x0bd\ne\x1cf\n".encode()) == ["a\u2028b", "c\x0bd", "e\x1cf"]


def test_white_space_around_a_token_goes(tmp_path: Path) -> None:
    assert read(tmp_path, "文 \n 炉\t\n".encode()) == ["文", "炉"]


def test_ids_are_those_of_transformers(tmp_path: Path) -> None:
    from transformers.models.bert.tokenization_bert import load_vocab

    content = "\n".join([*SPECIAL, "文", "", " ", "\u3000", "a\u2028b", "炉"]) + "\n"
    tokens = read(tmp_path, content.encode())
    theirs = load_vocab(tmp_path / "vocab.txt")
    assert theirs == {token: number for number, token in enumerate(tokens)}


def test_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"vocab\.txt is not UTF-8: byte 0xce at offset 2"):
        read(tmp_path, b"a\n" + "文炉".encode("gb18030"))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*nothing\.txt: No such file"):
        read_vocabulary(tmp_path / "nothing.txt")


def test_empty() -> None:
    with pytest.raises(CheckpointError, match=r"vocab\.txt is empty; .* one token a line"):
        check_vocabulary([], "vocab.txt")


def test_twice() -> None:
    with pytest.raises(CheckpointError, match=r"vocab\.txt names tokens twice: '文' \(ids 4 and 6"):
        check_vocabulary([*SPECIAL, "文", "炉", "文"], "vocab.txt")
    many = [*SPECIAL, *"abcde", *"abcde"]
    with pytest.raises(CheckpointError, match=r"'c' \(ids 6 and 11\) and 2 more"):
        check_vocabulary(many, "vocab.txt")


def test_blank_lines_are_no_duplicates() -> None:
    check_vocabulary([*SPECIAL, "", "文", ""], "vocab.txt")


def test_missing_special_tokens() -> None:
    with pytest.raises(CheckpointError, match=r"v\.txt lacks \[UNK\], \[SEP\]; a BERT vocabulary"):
        check_vocabulary(["[PAD]", "[CLS]", "文"], "v.txt")

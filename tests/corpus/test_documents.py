import gzip
import json
from pathlib import Path

import pytest

from wenlu.corpus import documents, read_documents
from wenlu.errors import DataError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def texts(*paths: Path) -> list[str]:
    return [document.text for document in read_documents(paths)]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("一\n二\n\n三\n", ["一\n二", "三"]),
        ("\n\n一\n二\n \u3000\n\n三", ["一\n二", "三"]),
        ("\ufeff一\r\n二\r\n\r\n三\r\n", ["一\n二", "三"]),
        ("一\n二\n三", ["一", "二", "三"]),
        ("\n一\n二\n\n\n", ["一", "二"]),
        ("只有一行", ["只有一行"]),
    ],
)
def test_plain_text(content: str, found: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", content)
    assert [(one.text, one.source) for one in read_documents([path])] == [
        (text, "a.txt") for text in found
    ]
    assert texts(write(tmp_path / "a.txt.gz", gzip.compress(content.encode()))) == found


def test_rows(tmp_path: Path) -> None:
    rows = [
        {"text": "一\n二", "source": "书"},
        {"text": "", "source": None},
        {"text": "三", "source": 3},
    ]
    content = "\ufeff" + "\r\n\r\n".join(json.dumps(row) for row in rows)
    path = write(tmp_path / "a.JSONL", content)
    found = list(read_documents([path]))
    assert [(one.text, one.source) for one in found] == [
        ("一\n二", "书"),
        ("", "a.JSONL"),
        ("三", "a.JSONL"),
    ]


def test_files_come_in_the_order_given_and_bytes_are_counted(tmp_path: Path) -> None:
    a = write(tmp_path / "a.txt", "一\n\n二")
    b = write(tmp_path / "b.jsonl.gz", gzip.compress('{"text": "三"}\n'.encode()))
    found = list(read_documents([b, a, b]))
    assert [one.text for one in found] == ["三", "一", "二", "三"]
    read = [one.read for one in found]
    assert read == sorted(read)
    assert read[-1] == 2 * b.stat().st_size + a.stat().st_size


def test_zstandard(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    path = write(tmp_path / "a.txt.zst", zstandard.compress("一\n\n二".encode()))
    found = list(read_documents([path]))
    assert [one.text for one in found] == ["一", "二"]
    assert found[-1].read == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "a.jsonl",
            '{"text": "一"}\n{"body": 1, "id": 2}',
            "line 2, field 'text': .* 'body', 'id'",
        ),
        ("a.jsonl", '{"text": 1}', "line 1, field 'text': the number 1 came"),
        ("a.jsonl", '{"text": "\\ud800"}', r"line 1, field 'text': a lone surrogate"),
        ("a.jsonl", '{"text": "一"}\n{"text": ', "line 2: not valid JSON"),
        ("a.jsonl", "\n \n", "the file has no text"),
        ("a.txt", "\n \n", "the file has no text"),
        ("a.txt", "", "the file has no text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1: not UTF-8: byte 0x89 at byte 1"),
        ("a.txt", b"\x7fELF\x02\x01\0\0", "line 1: a NUL byte stands at byte 7"),
        ("a.txt", "今天".encode("utf-16"), "line 1: the file is UTF-16"),
        ("a.txt", "行\n天气不错".encode("gb18030"), "iconv -f GB18030"),
        ("a.txt.gz", b"no gzip", "damaged or cut short"),
        ("a.csv", "text\n一\n", r"'.csv' cannot be read as text; those in .jsonl, .ndjson, .txt"),
        ("a", "一\n", "files that end in 'no suffix'"),
    ],
)
def test_what_cannot_be_read(name: str, content: str | bytes, problem: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=problem) as caught:
        texts(path)
    assert caught.value.file == path


def test_files_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path / "news.txt", "一")
    with pytest.raises(DataError, match=r"the closest are news\.txt"):
        texts(tmp_path / "new.txt")
    with pytest.raises(DataError, match=r"this is a folder; give a file \(it has news\.txt\)"):
        texts(tmp_path)
    with pytest.raises(DataError, match="no files came"):
        texts()


def test_what_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 1 << 20)
    long = "天" * (1 << 19)
    row = json.dumps({"text": long}, ensure_ascii=False)
    problem = "the {} that starts here has more than 1 MiB"
    for name, content, what, line in (
        ("a.jsonl", f'{{"text": "一"}}\n{row}\n', "line", 2),
        ("a.txt", f"一\n\n{long}\n", "line", 3),
        ("b.txt", f"一\n\n二\n{('天' * 1000 + chr(10)) * 400}", "document", 3),
    ):
        with pytest.raises(DataError, match=problem.format(what)) as caught:
            texts(write(tmp_path / name, content))
        assert caught.value.line == line
    assert texts(write(tmp_path / "c.txt", long[:300_000])) == [long[:300_000]]

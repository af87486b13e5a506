import csv
import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.corpus import Record, read_document, read_records, write_jsonl
from wenlu.errors import ConfigError, DataError, MissingExtraError, RunError

ROWS = [{"text": "文炉", "label": "1"}, {"text": "“你好”，\u2028\x85说", "label": "0"}]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, name: str, content: str | bytes) -> list[Record]:
    return list(read_records(write(folder, name, content)))


def refusal(folder: Path, name: str, content: str | bytes) -> DataError:
    """The error of a file, which must name it."""
    with pytest.raises(DataError) as caught:
        read(folder, name, content)
    assert str(caught.value).startswith(str(folder / name))
    assert caught.value.file == folder / name
    return caught.value


def jsonl(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


CONTENTS = {
    "a.jsonl": jsonl(ROWS),
    "a.ndjson": jsonl(ROWS),
    "lines.json": jsonl(ROWS),
    "array.json": json.dumps(ROWS, ensure_ascii=False),
    "pretty.json": "\n " + json.dumps(ROWS, ensure_ascii=False, indent=2) + "\n",
    "a.csv": "text,label\n文炉,1\n“你好”，\u2028\x85说,0\n",
    "a.tsv": "text\tlabel\n文炉\t1\n“你好”，\u2028\x85说\t0\n",
    "A.JSONL": jsonl(ROWS),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r\n \r\n"], ids=repr)
def test_every_format_gives_the_same_rows(name: str, bom: bytes, end: str, tmp_path: Path) -> None:
    content = bom + CONTENTS[name].replace("\n", end).encode()
    records = read(tmp_path, name, content)
    assert [record.fields for record in records] == ROWS
    assert {record.file for record in records} == {tmp_path / name}


@pytest.mark.parametrize("name", CONTENTS)
def test_compressed(name: str, tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    content = CONTENTS[name].encode()
    for suffix, compress in ((".gz", gzip.compress), (".zst", zstandard.compress)):
        records = read(tmp_path, name + suffix, compress(content))
        assert [record.fields for record in records] == ROWS


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.jsonl", '\n{"a": 1}\n\n\u3000\n{"a": 2}', [2, 5]),
        ("a.json", '\n{"a": 1}\n\n{"a": 2}\n', [2, 4]),
        ("b.json", '\n[\n{"a": "\\n"},\n\n{\n"a": 2}\n, {"a": 3}]\n', [3, 5, 7]),
        ("a.csv", 'a,b\n\n1,2\r\n"x\ny\r\n",3\n\n4,"5\n"\n6,7', [3, 4, 8, 10]),
        ("a.tsv", "\na\tb\n\n1\t2\n\t\n", [4, 5]),
    ],
)
def test_a_row_knows_its_line(name: str, content: str, lines: list[int], tmp_path: Path) -> None:
    assert [record.line for record in read(tmp_path, name, content)] == lines


def test_csv_quotes(tmp_path: Path) -> None:
    content = 'text,label\n"他说：""好,\r\n走""",1\n他说"好",""\n'
    first, second = read(tmp_path, "a.csv", content)
    assert first.fields == {"text": '他说："好,\r\n走"', "label": "1"}
    assert second.fields == {"text": '他说"好"', "label": ""}


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    first, second = read(tmp_path, "a.tsv", 'text\tlabel\n"好\t1\n"好" ""\t \n')
    assert first.fields == {"text": '"好', "label": "1"}
    assert second.fields == {"text": '"好" ""', "label": " "}


def test_long_fields_leave_the_limit_of_csv_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "文" * 300_000
    records = read_records(write(tmp_path, "a.csv", f'a\n{long}\n"{long}"\n短\n'))
    assert next(records).fields == {"a": long}
    assert csv.field_size_limit() == before
    assert [record.fields["a"] for record in records] == [long, "短"]


def test_reading_streams(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.jsonl", '{"a": 1}\nbroken'))
    assert next(records).fields == {"a": 1}
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: not valid JSON"):
        next(records)


fields = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(fields, fields), min_size=1, max_size=6))
def test_what_csv_and_json_write_is_read_back(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    expected = [{"甲": a, "乙": b} for a, b in rows]
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["甲", "乙"])
        writer.writeheader()
        writer.writerows(expected)
    write_jsonl(folder / "a.jsonl", expected)
    write(folder, "a.json", json.dumps(expected, indent=1))
    for name in ("a.csv", "a.jsonl", "a.json"):
        assert [record.fields for record in read_records(folder / name)] == expected


# Files that cannot be read


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    bad = '{"a": "好"}\n'.encode() + '{"a": "文炉"}\n'.encode("gb18030")
    message = str(refusal(tmp_path, "a.jsonl", bad))
    assert "a.jsonl, line 2: not UTF-8: byte 0xce at byte 8 of the line" in message
    assert "iconv -f GB18030 -t UTF-8 a.jsonl > utf8-a.jsonl" in message
    for name, between in (("a.csv", ","), ("a.tsv", "\t"), ("a.json", " ")):
        text = f'[\n"{between}文炉' if name == "a.json" else f"a{between}b\n1{between}文炉"
        message = str(refusal(tmp_path, name, text.encode("gb18030")))
        assert f"{name}, line 2: not UTF-8: byte 0xce at byte 3 of the line" in message
        assert "GB18030" in message
    message = str(refusal(tmp_path, "a.jsonl", b'{"a": "\xff"}\n'))
    assert "byte 0xff at byte 8 of the line. Save the file as UTF-8" in message
    message = str(refusal(tmp_path, "a.jsonl", '{"a": "文'.encode()[:-1]))
    assert "line 1: not UTF-8" in message
    assert "The line ends inside a character; was the file cut short?" in message


def test_utf16(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a.csv", "a,b\n文,炉\n".encode("utf-16"))
    assert "line 1: the file is UTF-16; save it as UTF-8" in str(error)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.tsv"])
def test_nul_bytes(name: str, tmp_path: Path) -> None:
    content = CONTENTS.get(name, CONTENTS["a.jsonl"]).replace("你", "\0")
    line = 2 if "json" in name else 3
    message = str(refusal(tmp_path, name, content))
    assert f"{name}, line {line}: a NUL byte stands at byte " in message
    assert "Remove the byte, or save the file as UTF-8" in message


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"a": "文', "column 7: the line ends inside a string; was it cut short?"),
        ('{"a": "文\\', "column 7: the line ends inside a string"),
        ('{"a": "文\\u4e', "the line ends inside a string"),
        ('{"a": "文"', "column 10: the line ends before the object does; was it cut short?"),
        ('{"a": ', "the line ends before the object does"),
        ('{"a": 1,', "the line ends before the object does"),
        ("{", "the line ends before the object does"),
        ('{"a": 1} {"b": 2}', "column 10: there is more after the end of the object: '{\"b\": 2}'"),
        ("{'a': 1}", "column 2: a single quote came; JSON strings stand in double quotes"),
        ("{\"a\": 'b'}", "column 7: a single quote came"),
        ("{a: 1}", "column 2: 'a: 1}' came where the name of a field should"),
        ('{"a": 1,}', "where the name of a field should"),
        ('{"a" 1}', "column 6: '1}' came; a ':' is missing after the name of a field"),
        ('{"a": 1 "b": 2}', "a ',' is missing between two values"),
        ('{"a": 文}', "column 7: '文}' came where a value should"),
        ('{"a": "文\t"}', "column 9: a string has the control character '\\t' in it"),
        (
            '{"a": "文\\x"}',
            "a backslash starts no valid escape; a backslash itself is written \\\\",
        ),
        ("文", "column 1: '文' came where a value should"),
    ],
)
def test_broken_json_lines(line: str, problem: str, tmp_path: Path) -> None:
    error = refusal(tmp_path, "a.jsonl", f'{{"a": 1}}\n\n{line}\n{{"a": 1}}\n')
    assert "a.jsonl, line 3: not valid JSON at column " in str(error)
    assert problem in str(error)
    assert error.line == 3


@pytest.mark.parametrize(
    ("line", "came"),
    [
        ("[1]", "a list"),
        ('"文"', "a string"),
        ("1.5", "the number 1.5"),
        ("null", "null"),
        ("true", "true, a bool,"),
    ],
)
def test_a_json_line_must_be_an_object(line: str, came: str, tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.jsonl", '{"a": 1}\n' + line))
    assert f'line 2: {came} came; each line must be a JSON object: {{"text": ...}}' in message


def test_json_that_python_refuses(tmp_path: Path) -> None:
    deep = '{"a": ' + "[" * 100_000
    assert "line 1: the JSON is nested too deeply" in str(refusal(tmp_path, "a.jsonl", deep))
    long = '{"a": ' + "1" * 5000 + "}"
    assert "line 1: not valid JSON: " in str(refusal(tmp_path, "a.jsonl", long))


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ('[\n{"a": 1},\n{"a": "文', 3, "column 7: the file ends inside a string"),
        ('[\n{"a": 1},\n{"a": "文\n"}]', 3, "column 9: a string has a line break in it"),
        ('\n[{"a": 1}\n', 2, "column 10: the file ends inside the array; was it cut short?"),
        ('[\n{"a": 1},\n', 2, "column 10: the file ends before the object does"),
        ("[", 1, "the file ends before the object does"),
        ('[{"a": 1}\n{"a": 2}]', 2, "column 1: a comma is missing between two objects"),
        ('[{"a": 1},\n]', 2, "column 1: a comma stands before the closing bracket; remove it"),
        ('[{"a": 1}]\n\n[]', 3, "column 1: there is more after the end of the array"),
    ],
)
def test_broken_json_arrays(content: str, line: int, problem: str, tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.json", content))
    assert f"a.json, line {line}: not valid JSON at column " in message
    assert problem in message


def test_a_json_array_must_hold_objects(tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.json", '[{"a": 1},\n\n"文"]'))
    assert "a.json, line 3: a string came; the array must hold objects" in message


def test_a_json_document_that_is_no_table(tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.json", '{\n  "data": []\n}'))
    assert "line 1: not valid JSON at column 2" in message
    assert (
        "a .json file of rows holds one object a line, or one array of objects: [{...}" in message
    )


@pytest.mark.parametrize(
    ("name", "row", "has", "hint"),
    [
        ("a.csv", "文,炉,1", "3 columns", "A field with a comma in it must stand in double quotes"),
        ("a.csv", "文", "1 column", "double quotes"),
        ("a.tsv", "文\t炉\t1", "3 columns", "A field cannot hold a tab or a line break"),
        ("a.tsv", "文", "1 column", "tab"),
    ],
)
def test_rows_of_another_width(name: str, row: str, has: str, hint: str, tmp_path: Path) -> None:
    header = "text,label" if name == "a.csv" else "text\tlabel"
    error = refusal(tmp_path, name, f"{header}\n\n{row}\n")
    assert f"{name}, line 3: the row has {has} and the header 2 columns (text, label). " in str(
        error
    )
    assert hint in str(error)


@pytest.mark.parametrize(("name", "between"), [("a.csv", ","), ("a.tsv", "\t")])
def test_a_header_that_names_a_column_twice(name: str, between: str, tmp_path: Path) -> None:
    message = str(refusal(tmp_path, name, between.join(["文", "炉", "文"]) + "\n"))
    assert f"{name}, line 1: the header names '文' more than once; rename a column" in message


def test_csv_quotes_that_do_not_close(tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.csv", 'a,b\n1,2\n"好,3\n4,5\n'))
    assert "a.csv, line 3: a field of the row that starts here opens a double quote" in message
    assert 'write a quote inside a field as ""' in message
    message = str(refusal(tmp_path, "a.csv", 'a,b\n1,2\n"好"了,3\n'))
    assert "a.csv, line 3: a field of this row goes on after its closing double quote" in message
    message = str(refusal(tmp_path, "a.csv", "a,b\n好\r了,3\n"))
    assert "a.csv, line 2: a carriage return stands inside a field" in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", ""),
        ("a.jsonl", "\ufeff\n \n"),
        ("a.json", ""),
        ("a.json", "[ ]\n"),
        ("a.csv", ""),
        ("a.csv", "text,label\n"),
        ("a.tsv", "text\tlabel\n\n"),
    ],
)
def test_no_rows(name: str, content: str, tmp_path: Path) -> None:
    assert str(refusal(tmp_path, name, content)).endswith(f"{name}: the file has no rows")


def test_an_unknown_suffix(tmp_path: Path) -> None:
    message = str(refusal(tmp_path, "a.xlsx", "PK"))
    assert "files that end in '.xlsx' cannot be read; those in .jsonl, .ndjson, .json, " in message
    assert ".csv, .tsv can, also with .gz or .zst after it" in message
    assert "'.txt' cannot be read" in str(refusal(tmp_path, "a.txt.gz", ""))
    assert "'no suffix' cannot be read" in str(refusal(tmp_path, "train", ""))


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nor a folder .*nothing"):
        read_records(tmp_path / "nothing" / "a.jsonl")
    with pytest.raises(DataError, match="the folder has no files"):
        read_records(tmp_path / "train.jsonl")
    write(tmp_path, "train.json", "")
    with pytest.raises(DataError, match=r"train\.jsonl: there is no such .* are train\.json$"):
        read_records(tmp_path / "train.jsonl")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"this is a folder; give a file \(it has no file that can"):
        read_records(tmp_path)
    for name in ("train.jsonl.zst", "dev.csv", "README.md"):
        write(tmp_path, name, "")
    with pytest.raises(DataError, match=r"\(it has dev\.csv, train\.jsonl\.zst\)"):
        read_records(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to this user"
)
def test_a_forbidden_file(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "{}").chmod(0)
    with pytest.raises(DataError, match=r"a\.jsonl: the file cannot be read: Permission denied"):
        list(read_records(tmp_path / "a.jsonl"))


def test_damaged_compression(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    content = "".join(f'{{"a": {number}}}\n' for number in range(20_000)).encode()
    for name, compress in (("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)):
        whole = compress(content)
        message = str(refusal(tmp_path, name, whole[: len(whole) // 2]))
        assert f"{name}: the compressed file is damaged or cut short after line " in message
        assert "fetch it again" in message
        message = str(refusal(tmp_path, name, content))
        assert "damaged or cut short after line 0" in message


def test_without_zstandard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wenlu\[corpus\]'"):
        read(tmp_path, "a.jsonl.zst", b"")


# Documents


def test_a_document(tmp_path: Path) -> None:
    document = {"data": [{"context": "文炉", "n": [1, None]}]}
    path = write(tmp_path, "a.json", "\ufeff" + json.dumps(document, indent=2))
    assert read_document(path) == document
    path = write(tmp_path, "a.json.gz", gzip.compress(b'["a"]\r\n'))
    assert read_document(path) == ["a"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{\r\n"a": "文', ", line 2: not valid JSON at column 6: the file ends inside a string"),
        ("", ": the file has no rows"),
        ("\ufeff \r\n", ": the file has no rows"),
        (
            '{"data": [{"甲": "文"}, {"甲": ["文\\ud83d"]}]}',
            ", field 'data[1].甲[0]': a lone surrog",
        ),
        ('["\\uDC00"]', ", field '[0]': a lone surrogate, \\udc00, stands at index 0"),
        ('"\\uDC00"', ": a lone surrogate, \\udc00, stands at index 0: half of a character"),
        ('{\n"a": 1}\n\n{}', ", line 4: not valid JSON at column 1: there is more after the end"),
        ("[" * 100_000, ": the JSON is nested too deeply"),
        ("[\n" + "1" * 5000 + "]", ": not valid JSON: "),
        ('{\n"文炉": 1}'.encode("gb18030"), ", line 2: not UTF-8: byte 0xce at byte 2 of the line"),
    ],
)
def test_broken_documents(content: str | bytes, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_document(write(tmp_path, "a.json", content))
    assert f"a.json{problem}" in str(caught.value)


def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, "dev.json", "")
    with pytest.raises(DataError, match=r"dev\.jso: there is no such file .* are dev\.json"):
        read_document(tmp_path / "dev.jso")


# Fields


def record(**fields: object) -> Record:
    return Record(dict(fields), Path("train.jsonl"), 7)


def test_text() -> None:
    assert record(text="文炉").text("text") == "文炉"
    assert record(text="").text("text") == ""


@pytest.mark.parametrize(
    ("value", "came"),
    [
        (3, "the number 3"),
        (1.5, "the number 1.5"),
        (None, "null"),
        (True, "true, a bool,"),
        (["文"], "a list"),
        ({}, "an object"),
    ],
)
def test_text_is_never_made_of_anything_else(value: object, came: str) -> None:
    with pytest.raises(DataError) as caught:
        record(text=value).text("text")
    expected = f"train.jsonl, line 7, field 'text': {came} came; it must be a string, in quotes"
    assert str(caught.value) == expected


def test_a_missing_field_names_those_there_are() -> None:
    for method in (record(a="1", b="2").text, record(a="1", b="2").label):
        with pytest.raises(DataError) as caught:
            method("text")
        assert str(caught.value) == (
            "train.jsonl, line 7, field 'text': the row has no such field; its fields are 'a', 'b'"
        )
    with pytest.raises(DataError, match="its fields are none"):
        record().text("text")


def test_half_a_character_is_named() -> None:
    with pytest.raises(DataError, match=r"line 7, field 'text': a lone surrogate, \\ud83d, stands"):
        record(text="文\ud83d").text("text")


HALVES = [
    ({"text": "文\ud83d"}, "text", "ud83d, stands at index 1"),
    ({"id": "\udc00"}, "id", "udc00, stands at index 0"),
    ({"\ud800": 1}, "\ud800", "ud800, stands at index 0"),
    ({"label": {"书\udfff": {}}}, "label.书\udfff", "udfff, stands at index 1"),
    ({"a": [1, {"type": "\ude00\ud83d"}]}, "a[1].type", "ude00, stands at index 0"),
]


@pytest.mark.parametrize(("row", "field", "problem"), HALVES)
@pytest.mark.parametrize("layout", ['{"a": 0}\n%s', "[{}\n,%s]", "[{},\n%s\n, {}]"])
def test_no_string_of_a_row_has_half_a_character(
    layout: str, row: object, field: str, problem: str, tmp_path: Path
) -> None:
    for name in ("a.json",) if layout.startswith("[") else ("a.json", "a.jsonl"):
        with pytest.raises(DataError, match=f"a lone surrogate, .{problem}") as caught:
            read(tmp_path, name, layout % json.dumps(row))
        assert (caught.value.line, caught.value.field) == (2, field)
        str(caught.value).encode()


@settings(deadline=None)
@given(st.lists(st.sampled_from([r"\\", r"\ud83d", r"\uDE00", "ud83d", "uDE00", "文"])))
def test_halves_are_found_whatever_stands_around_them(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    line = f'{{"text": "{"".join(pieces)}"}}'
    row = json.loads(line)
    try:
        row["text"].encode()
    except UnicodeEncodeError:
        with pytest.raises(DataError, match="a lone surrogate"):
            read(tmp_path_factory.mktemp("halves"), "a.jsonl", line)
    else:
        [one] = read(tmp_path_factory.mktemp("whole"), "a.jsonl", line)
        assert one.fields == row


def test_whole_characters_may_be_written_as_escapes(tmp_path: Path) -> None:
    row = {"text": "👩한\\ud800", "n": [{"한": None}]}
    assert [one.fields for one in read(tmp_path, "a.jsonl", json.dumps(row))] == [row]
    assert [one.fields for one in read(tmp_path, "a.json", json.dumps([row, row]))] == [row, row]
    assert read_document(write(tmp_path, "b.json", json.dumps({"data": row}))) == {"data": row}


@pytest.mark.parametrize(
    ("value", "label"), [("102", "102"), (102, "102"), (-1, "-1"), (True, "true"), (False, "false")]
)
def test_label(value: object, label: str) -> None:
    assert record(label=value).label("label") == label


@pytest.mark.parametrize("value", [1.0, None, [1], {}])
def test_labels_of_other_types_are_refused(value: object) -> None:
    with pytest.raises(
        DataError, match=r"line 7, field 'label': .* came; a label must be a string"
    ):
        record(label=value).label("label")
    with pytest.raises(DataError, match=r"line 7, field 'id': .* came; an id must be a string"):
        record(id=value).label("id", "an id")


def test_get() -> None:
    assert record(a=None).get("a", 1) is None
    assert record(a=None).get("b", 1) == 1
    assert record().get("b") is None


# Writing


def test_write_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert write_jsonl(path, [{"text": "文炉\u2028\n", "n": 1}, {"text": "\ud83d"}]) == 2
    lines = path.read_bytes().decode().split("\n")
    assert lines[0] == '{"text": "文炉\u2028\\n", "n": 1}'
    assert lines[1] == '{"text": "\\ud83d"}'
    assert lines[2:] == [""]
    assert write_jsonl(path, []) == 0
    assert path.read_bytes() == b""


def interrupted(error: BaseException) -> Iterator[dict[str, object]]:
    yield {"a": 1}
    raise error


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(28, "No space left on device"), RunError),
        (DataError("bad"), DataError),
    ],
    ids=repr,
)
def test_what_is_not_finished_is_not_there(
    error: BaseException, seen: type[BaseException], tmp_path: Path
) -> None:
    path = write(tmp_path, "a.jsonl", "old")
    with pytest.raises(seen) as caught:
        write_jsonl(path, interrupted(error))
    if seen is RunError:
        assert "a.jsonl: No space left on device" in str(caught.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [{1}, float("nan"), b"a"])
def test_rows_that_json_cannot_say(value: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl: row 2 cannot be written as JSON: "):
        write_jsonl(tmp_path / "a.jsonl", [{"a": 1}, {"a": value}])
    assert list(tmp_path.iterdir()) == []


def test_compressed_files_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"only plain files are written; leave out \.zst"):
        write_jsonl(tmp_path / "a.jsonl.zst", [])

"""Bad input ends in a message that says where and what to do, and leaves nothing half-written."""

import json
from pathlib import Path

import pytest

from .conftest import PAIR_ROWS, ROWS, SMALL, Cli, Said, leftovers, lines, write_data

GOOD = lines(ROWS)
FIRST = lines(ROWS[:1])


def train(cli: Cli, data: Path, *flags: str, task: str = "classify") -> tuple[Said, Path]:
    out = data.parent / "run"
    return cli("train", task, "--data", data, "--out", out, *SMALL, *flags), out


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("train.jsonl", b"", "train.jsonl: the file has no rows"),
        ("train.jsonl", b"\n \n", "train.jsonl: the file has no rows"),
        ("train.csv", b"text,label\n", "train.csv: the file has no rows"),
        (
            "train.jsonl",
            f'{FIRST}{{"txt": "好", "label": "天气"}}\n'.encode(),
            "train.jsonl, line 2, field 'text': the row has no such field; its fields are 'txt',",
        ),
        (
            "train.jsonl",
            f'{FIRST}{{"text": "好"}}\n'.encode(),
            "train.jsonl, line 2, field 'label': the row has no such field",
        ),
        (
            "train.csv",
            "退款,1\n下雨,2\n".encode(),
            "train.csv, line 2, field 'text': the row has no such field; its fields are '退款', "
            "'1'; the first row must name the columns",
        ),
        (
            "train.csv",
            "text,label\n好,下雨,2\n".encode(),
            "train.csv, line 2: the row has 3 columns and the header 2 columns (text, label). "
            "A field with a comma in it must stand in double quotes",
        ),
        (
            "train.jsonl",
            f'{FIRST}{{"text": 3, "label": "天气"}}\n'.encode(),
            "train.jsonl, line 2, field 'text': the number 3 came; it must be a string",
        ),
        (
            "train.jsonl",
            f'{FIRST}{{"text": "好", "label": null}}\n'.encode(),
            "train.jsonl, line 2, field 'label': null came; a label must be a string,",
        ),
        (
            "train.jsonl",
            f'{FIRST}{{"text": "好", "label": " "}}\n'.encode(),
            "train.jsonl, line 2, field 'label': the label is empty",
        ),
        (
            "train.jsonl",
            f'{FIRST}{{"text": "a\\ud800", "label": "天气"}}\n'.encode(),
            "train.jsonl, line 2, field 'text': a lone surrogate, \\ud800, stands at index 1",
        ),
        (
            "train.jsonl",
            b'{"id": 7, "text": "a", "label": 1}\n{"id": 7, "text": "b", "label": 2}\n',
            "train.jsonl, line 2, field 'id': '7' is the id of line 1 too",
        ),
        (
            "train.jsonl",
            GOOD.encode("gb18030"),
            "It reads as GB18030, so convert the file: iconv -f GB18030 -t UTF-8 train.jsonl",
        ),
        ("train.jsonl", GOOD.encode("utf-16"), "train.jsonl, line 1: the file is UTF-16; save it"),
        (
            "train.jsonl",
            GOOD.encode()[:-20],
            "train.jsonl, line 12: not valid JSON at column",
        ),
        (
            "train.jsonl",
            lines(ROWS[::2]).encode(),
            "train.jsonl, field 'label': all rows have the label '退款'; there must be at least",
        ),
    ],
)
def test_a_training_file(cli: Cli, data: Path, name: str, content: bytes, problem: str) -> None:
    (data / "train.jsonl").unlink()
    (data / name).write_bytes(content)
    said, out = train(cli, data)
    assert said.code == 1
    assert said.out == ""
    assert said.err.startswith(f"error: {data / name}")
    assert problem in said.err
    assert len(said.err.splitlines()) <= 2
    assert not out.exists()
    assert leftovers(data.parent) == []


def test_a_label_of_dev_that_training_lacks(cli: Cli, data: Path) -> None:
    (data / "dev.jsonl").write_text(FIRST + '{"text": "好", "label": "天汽"}\n', "utf-8")
    said, out = train(cli, data)
    assert said.code == 1
    assert (
        f"error: {data / 'dev.jsonl'}, line 2, field 'label': '天汽' is not a label of classify; "
        "the closest are 天气"
    ) in said.err
    assert not out.exists()


def test_a_label_outside_a_benchmark(cli: Cli, data: Path) -> None:
    rows = '{"sentence": "好", "label": "103"}\n{"sentence": "好", "label": "1003"}\n'
    (data / "train.jsonl").write_text(rows, "utf-8")
    said, out = train(cli, data, task="tnews")
    assert said.code == 1
    place = f"{data / 'train.jsonl'}, line 2, field 'label'"
    assert f"error: {place}: '1003' is not a label of tnews; the closest are 103, " in said.err
    assert not out.exists()


def test_a_label_without_training_examples_is_a_warning(cli: Cli, data: Path) -> None:
    rows = [{"sentence": row["text"], "label": "100"} for row in ROWS[:6]]
    rows[1]["label"] = "101"
    (data / "train.jsonl").write_text(lines(rows), "utf-8")
    (data / "dev.jsonl").write_text(lines([*rows[:2], {**rows[0], "label": "116"}]), "utf-8")
    said, out = train(cli, data, task="tnews")
    assert said.code == 0
    assert "warning: 13 of the labels have no training example (102, 103, " in said.out
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert "116" in result["splits"]["train"]["labels_without_examples"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.jsonl", b"\xef\xbb\xbf" + GOOD.encode()),
        ("train.jsonl", GOOD.replace("\n", "\r\n").encode()),
        ("train.jsonl", b"\n" + GOOD.replace("\n", "\n\n").encode()),
        ("train.json", json.dumps(ROWS).encode()),
        (
            "train.csv",
            b"\xef\xbb\xbf"
            + "".join(
                ["text,label\r\n"]
                + [f'"{row["text"]}，""急"",\n第二行",{row["label"]}\r\n' for row in ROWS]
            ).encode(),
        ),
        ("train.tsv", ("text\tlabel\n" + '"\t退款\n' * 3 + "下雨\t天气\n" * 3).encode()),
    ],
)
def test_what_looks_odd_and_is_right(cli: Cli, data: Path, name: str, content: bytes) -> None:
    (data / "train.jsonl").unlink()
    (data / name).write_bytes(content)
    said, out = train(cli, data)
    assert said.code == 0
    rows = 6 if name.endswith(".tsv") else len(ROWS)
    assert f"train: {rows} examples from {name}, " in said.out
    assert (out / "report.html").exists()


def test_a_very_long_text_is_cut_and_counted(cli: Cli, data: Path) -> None:
    rows = [*ROWS, {"text": "长" * 100_000, "label": "天气"}]
    (data / "train.jsonl").write_text(lines(rows), "utf-8")
    said, out = train(cli, data)
    assert said.code == 0
    assert "train: 13 examples from train.jsonl, 0.00% [UNK], 1 cut to fit\n" in said.out
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert result["splits"]["train"]["cut"] == 1


def test_a_data_folder_that_is_not_there(cli: Cli, data: Path) -> None:
    said, out = train(cli, data / "nowhere")
    assert said == (1, "", f"error: {data / 'nowhere'}: there is no such file or folder\n")
    assert not out.exists()


def test_a_data_folder_without_a_training_file_says_what_it_holds(cli: Cli, data: Path) -> None:
    (data / "train.jsonl").rename(data / "trian.jsonl")
    said, out = train(cli, data)
    assert said.code == 1
    assert f"error: {data}: no training file: looked for train with one of .json, " in said.err
    assert said.err.endswith("the folder holds dev.jsonl, test.jsonl, trian.jsonl\n")
    assert not out.exists()


def test_a_failed_start_leaves_an_earlier_run_alone(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    out.mkdir()
    (out / "config.toml").write_text("epochs = 3\n")
    (data / "train.jsonl").write_text("")
    said, _ = train(cli, data, "--overwrite")
    assert said.code == 1
    assert [path.name for path in out.iterdir()] == ["config.toml"]


def test_a_folder_that_is_no_run_is_never_removed(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    out.mkdir()
    (out / "thesis.docx").write_text("mine")
    for flags in ([], ["--overwrite"], ["--resume"]):
        said, _ = train(cli, data, *flags)
        assert said.code == 1
        assert "not a run folder" in said.err
        assert [path.name for path in out.iterdir()] == ["thesis.docx"]


def test_a_run_that_exists_is_kept_unless_told(cli: Cli, trained: Path, data: Path) -> None:
    line = ("train", "classify", "--data", data, "--out", trained, *SMALL)
    said = cli(*line)
    assert said.code == 1
    remedy = "--resume resumes it, --overwrite replaces it, or give another --out"
    assert said.err == f"error: {trained} exists already; {remedy}\n"
    said = cli(*line, "--resume")
    assert said == (
        1,
        "",
        f"error: {trained} is finished, so it cannot be resumed; --overwrite replaces it\n",
    )


def test_an_out_folder_that_cannot_be_made(cli: Cli, data: Path) -> None:
    out = data / "train.jsonl" / "run"
    said = cli("train", "classify", "--data", data, "--out", out, *SMALL)
    assert said.code == 1
    assert f"{out}" in said.err
    assert said.err.startswith("error: cannot make the folder ")


def test_a_pair_task_given_an_odd_number_of_texts(cli: Cli, trained_on_pairs: Path) -> None:
    said = cli("predict", trained_on_pairs, "怎么退款", "如何退款", "下雨吗")
    assert said == (
        1,
        "",
        "error: match takes pairs of texts at a time (text_a, text_b), so their number must be a "
        "multiple of 2; got 3\n",
    )


def test_an_argument_that_is_not_utf8(cli: Cli, trained: Path) -> None:
    said = cli("predict", trained, "好", "\udcff")
    assert said.code == 1
    assert said.err.startswith("error: text 1, '\\udcff', holds half a character at index 0")


def test_a_run_that_is_not_finished(cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes((trained / "config.toml").read_bytes())
    for line in (["predict", tmp_path, "好"], ["evaluate", tmp_path], ["submit", tmp_path]):
        said = cli(*line)
        assert said.code == 1
        assert f"error: {tmp_path} is not finished; resume it with: wenlu train" in said.err


@pytest.mark.parametrize("command", ["predict", "evaluate", "submit"])
def test_a_folder_that_is_no_run(cli: Cli, tmp_path: Path, command: str) -> None:
    rest = ["好"] if command == "predict" else []
    said = cli(command, tmp_path / "nowhere", *rest)
    assert said == (1, "", f"error: no run {tmp_path / 'nowhere'}: there is no such folder\n")
    said = cli(command, tmp_path, *rest)
    assert said.code == 1
    assert "Traceback" not in said.err


def test_a_damaged_result(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{")
    said = cli("predict", tmp_path, "好")
    assert said.code == 1
    assert f"error: {tmp_path / 'result.json'} is damaged: " in said.err
    (tmp_path / "result.json").write_text("[]")
    assert "it holds no object" in cli("predict", tmp_path, "好").err
    (tmp_path / "result.json").write_text("{}")
    assert "has no folder called model" in cli("predict", tmp_path, "好").err


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """A copy of a trained model, to break."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (trained / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def refused(cli: Cli, model: Path) -> str:
    """What both using it and training from it say."""
    said = cli("predict", model, "好")
    assert said.code == 1
    data, out = write_data(model.parent / "data"), model.parent / "run"
    line = ["train", "classify", "--data", data, "--out", out, "--model", model]
    assert cli(*line, "--epochs", "1") == said
    assert not out.exists()
    return said.err


def test_a_model_folder_without_weights(cli: Cli, model: Path) -> None:
    (model / "model.safetensors").unlink()
    said = refused(cli, model)
    assert said.startswith(f"error: {model} has no weights: looked for model.safetensors, ")
    assert "found config.json" in said


def test_a_model_folder_with_cut_weights(cli: Cli, model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    said = refused(cli, model)
    assert f"error: cannot read {weights}: " in said
    assert "fetch or copy it again" in said


def test_a_model_folder_with_another_vocabulary_size(cli: Cli, model: Path) -> None:
    file = model / "config.json"
    config = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**config, "vocab_size": config["vocab_size"] - 1}), "utf-8")
    said = refused(cli, model)
    assert "the configuration says vocab_size 7999, but " in said
    assert "has 8000 rows" in said


def test_a_model_folder_with_the_vocabulary_of_another(cli: Cli, model: Path) -> None:
    (model / "tokenizer.json").unlink(missing_ok=True)
    with (model / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("多出来的词\n")
    said = refused(cli, model)
    assert "the vocabulary has 8001 tokens, but the model has vectors for 8000" in said


def test_pairs_with_the_fields_of_another_task(cli: Cli, trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(lines(PAIR_ROWS), "utf-8")
    said = cli("predict", trained, "--input", file, "--output", tmp_path / "out.jsonl")
    assert said.code == 1
    assert f"error: {file}, line 1, field 'text': the row has no such field" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]

"""Files that were made to break their reader end in one line, and so do folders with odd things."""

import json
import os
import shutil
from pathlib import Path

import pytest

from wenlu.errors import RunError
from wenlu.evaluation.run_files import read_run
from wenlu.tasks.result import read_result
from wenlu.terminal import UNSEEN

from .conftest import ROWS, SMALL, Cli, Said, lines, write_data

DEEP = "[" * 100_000


def refused(said: Said, *parts: str) -> None:
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert len(said.err) < 1000
    assert UNSEEN.search(said.err) is None
    assert all(part in said.err for part in parts), said.err


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f'{{"text": {DEEP}', "nested too deeply"),
        (f'{{"text": "好", "label": {"9" * 5000}}}', "not valid JSON"),
        ('{"text": "好\\ud800", "label": "天气"}', "lone surrogate"),
        ('{"text": "好\0", "label": "天气"}', "NUL byte"),
        ('{"text": ["好\x1b[2J"], "label": "天气"}', "a string has the control character"),
        ('{"text\\u009b": "好", "label": "天气"}', "field 'text'"),
    ],
)
def test_rows(cli: Cli, data: Path, line: str, problem: str) -> None:
    (data / "train.jsonl").write_text(lines(ROWS) + line + "\n", "utf-8")
    out = data.parent / "run"
    said = cli("train", "classify", "--data", data, "--out", out, *SMALL)
    refused(said, f"train.jsonl, line {len(ROWS) + 1}", problem)
    assert not out.exists()


@pytest.mark.parametrize(
    "text", [f"epochs = {'9' * 5000}", f"epochs = {'[' * 5000}", "epochs = \x1b", "\udcff"]
)
def test_configurations(cli: Cli, data: Path, text: str) -> None:
    path = data.parent / "my.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    said = cli("train", "classify", "--data", data, "--out", data.parent / "run", "--config", path)
    refused(said, "my.toml")


def test_the_files_of_a_run(cli: Cli, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    for name in ("result.json", "metrics.jsonl", "dev.predictions.jsonl"):
        (run / name).write_text(DEEP + "\n{}\n")
    (run / "config.toml").write_text(f"a = {DEEP}")
    notes = read_run(run).notes
    assert [note.partition(" ")[0].rstrip(":") for note in notes] == [
        "config.toml",
        "metrics.jsonl",
        "result.json",
        "dev.predictions.jsonl",
    ]
    refused(cli("evaluate", run), "config.toml is not TOML: it is nested too deeply")
    with pytest.raises(RunError, match="damaged: it is nested too deeply"):
        read_result(run)


@pytest.mark.parametrize("command", ["shuffle", "count", "stats"])
def test_links_that_lead_nowhere_are_named(cli: Cli, tmp_path: Path, command: str) -> None:
    folder, out = tmp_path / "in", tmp_path / "out.txt"
    (folder / "more").mkdir(parents=True)
    (folder / "a.txt").write_text("好\n")
    line = ["corpus", command, folder]
    if command != "stats":
        line += ["--out", out.with_suffix(".tsv" if command == "count" else ".txt")]
    odd = folder / "more" / "b.txt"
    odd.symlink_to("gone.txt")
    refused(cli(*line), f"{odd}: this link leads nowhere: there is no file gone.txt")
    refused(cli(*line[:2], odd, *line[3:]), f"{odd}: this link leads nowhere")
    odd.unlink()
    odd.symlink_to("b.txt")
    refused(cli(*line), f"{odd}: this link leads nowhere")
    odd.unlink()
    odd.symlink_to("..")
    refused(cli(*line), f"{odd}: this is a link to the folder ..; name that folder instead")
    odd.unlink()
    os.mkfifo(odd)
    refused(cli(*line), f"{odd}: this is neither a file nor a folder")
    odd.unlink()
    odd.symlink_to("../a.txt")
    assert cli(*line).code == 0


def test_names_of_files(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "a\n\x1b[2J"
    folder.mkdir()
    (folder / "退\u202e.txt").write_bytes(b"\xff\n")
    refused(cli("corpus", "count", folder, "--out", tmp_path / "o.tsv"), "a\\n␛[2J", "[U+202E].txt")
    name = os.fsdecode(b"\xff\x9b.txt")
    refused(cli("corpus", "count", name, "--out", tmp_path / "o.tsv"), "[U+DCFF][U+DC9B].txt")


def test_labels_are_shown_and_kept(cli: Cli, tmp_path: Path) -> None:
    label = "天\x1b[2J\x9b\u202e气"
    rows = [{**row, "label": label if row["label"] == "天气" else "退款"} for row in ROWS]
    data, out = write_data(tmp_path / "data", rows), tmp_path / "run"
    said = cli("train", "classify", "--data", data, "--out", out, *SMALL)
    assert said.code == 0, said.err
    assert UNSEEN.search(said.out + said.err) is None
    said = cli("predict", out, "好")
    assert UNSEEN.search(said.out + said.err) is None
    said = cli("predict", out, "好", "--json")
    assert UNSEEN.search(said.out) is None
    assert json.loads(said.out)[0]["label"] in (label, "退款")
    written = (out / "dev.predictions.jsonl").read_text("utf-8")
    assert label in {json.loads(line)["gold"] for line in written.splitlines()}

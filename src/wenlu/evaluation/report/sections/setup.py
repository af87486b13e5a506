"""How to use the model, how it was configured, and how to make it again."""

import json
import shlex
from collections.abc import Iterator

from wenlu.evaluation.numerals import DASH
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import (
    Html,
    both,
    chinese,
    empty,
    join,
    quoted,
    rows_table,
    scrolling,
    tag,
)
from wenlu.evaluation.run_files import Record, number, record

EXAMPLE = "今天天气真好"


def usage(facts: Facts) -> Html:
    """Lines of Python and of the command line that load the model."""
    run = str(facts.kept.folder)
    model = json.dumps(f"{run}/model", ensure_ascii=False)
    folder, task = shlex.quote(run), shlex.quote(facts.task)
    pair = any(len(each.texts) > 1 for each in facts.run.predictions[:20])
    texts = "--input pairs.jsonl --output predictions.jsonl" if pair else shlex.quote(EXAMPLE)
    python = f"import wenlu\n\nmodel, tokenizer = wenlu.load({model})"
    shell = "\n".join(
        [
            f"wenlu predict {folder} {texts}",
            f"wenlu evaluate {folder} --data DIR --split dev",
            f"wenlu submit {folder} --data DIR --out {task}_predict.json",
        ]
    )
    return tag(
        "div",
        tag("div", tag("h3", "Python"), _code(python)),
        tag("div", tag("h3", both("Command line", "命令行")), _code(shell)),
        class_="pair",
    )


def configuration(facts: Facts) -> Html:
    """Every setting of the run, as a table and as it stands in the file."""
    if not facts.kept.config_text:
        return empty("The run folder has no config.toml.")
    rows = [(tag("code", key), quoted(value)) for key, value in _flat(facts.kept.config)]
    table = (
        scrolling(rows_table(rows), "Configuration", kind="tall" if len(rows) > 24 else "")
        if rows
        else None
    )
    verbatim = tag(
        "details", tag("summary", tag("code", "config.toml")), _code(facts.kept.config_text)
    )
    return join([table, verbatim])


def versions(facts: Facts) -> Html:
    """What ran, where, and by which command."""
    result = facts.result
    found = record(result.get("versions")) or record(facts.run.config.get("versions"))
    rows: list[tuple[str, str]] = [(name, str(version)) for name, version in found.items()]
    rows += [
        (name, str(result[key]))
        for name, key in (("seed", "seed"), ("device", "device"), ("precision", "precision"))
        if result.get(key) is not None
    ]
    threads = number(result, "threads")
    if threads is not None:
        rows.append(("threads", f"{threads:.0f}"))
    command = result.get("command")
    if isinstance(command, list):
        command = shlex.join(map(str, command))
    if not rows and not command:
        return empty("Versions and command are recorded when the run finishes.")
    said = join([tag("h3", both("Command", "命令")), _code(str(command))]) if command else None
    return join([scrolling(rows_table(rows), "Versions") if rows else None, said])


def stopped(facts: Facts) -> Html:
    """How the run ended, as a word in a box."""
    state = str(facts.result.get("stopped") or ("finished" if facts.run.finished else "unfinished"))
    names = {"finished": "已完成", "early stopping": "提前停止", "unfinished": "未完成"}
    kind = "state" if facts.run.finished else "state alarm"
    return tag("span", state, " ", chinese(names[state]) if state in names else None, class_=kind)


def _code(text: str) -> Html:
    return tag("pre", tag("code", text), tabindex=0)


def _flat(config: Record, before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            yield f"{before}{key}", ", ".join(map(str, value)) or DASH
        elif isinstance(value, bool):
            yield f"{before}{key}", str(value).lower()
        else:
            yield f"{before}{key}", str(value)

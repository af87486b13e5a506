"""How to use the model, how it was configured, and how to make it again."""

import json
import shlex
from collections.abc import Iterator

from wenlu.evaluation.numerals import DASH
from wenlu.evaluation.predictions import Prediction
from wenlu.evaluation.records import Record, number, record
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

EXAMPLE = ("今天天气真好",)


def usage(facts: Facts) -> Html:
    """Lines of Python and of the command line that use the model."""
    if facts.run.kind != "labels":
        return _usage_of_others(facts)
    run, texts = facts.run.folder, _example(facts)
    given = f"({', '.join(map(_literal, texts))})" if len(texts) > 1 else _literal(texts[0])
    python = [
        "from wenlu import Run",
        "",
        f"run = Run({_literal(str(run))})",
        f"(found,) = run.predict([{given}])",
        "print(found.label, found.probabilities)",
    ]
    folder = shlex.quote(str(run))
    shell = [
        shlex.join(["wenlu", "predict", str(run), *texts]),
        f"wenlu predict {folder} --input new.csv --output labelled.jsonl",
        f"wenlu evaluate {folder} --data labelled.csv",
    ]
    return _side_by_side(python, shell)


def _usage_of_others(facts: Facts) -> Html:
    """The same for tasks whose predictions are more than a label, and whose data is no table."""
    run, folder = facts.run.folder, shlex.quote(str(facts.run.folder))
    python = [
        "from wenlu import Run",
        "",
        f"run = Run({_literal(str(run))})",
    ]
    shell = [
        f"wenlu predict {folder} --input new.json --output predicted.jsonl",
        f"wenlu evaluate {folder} --data labelled.json",
    ]
    if facts.run.kind in ("spans", "relations"):
        shown = [each.text for each, _ in facts.matches[:50] if _plain(each.text, most=48)]
        text = (shown or EXAMPLE)[0]
        python += [
            f"(example,) = run.typed([{_literal(text)}])",
            "(found,) = run.predict_examples([example])",
            "print(run.task.record(example, found))",
        ]
        shell.insert(0, shlex.join(["wenlu", "predict", str(run), text]))
    else:
        python += [
            'examples = run.task.read(Path("new.json"), labelled=False)',
            "for example, found in zip(examples, run.predict_examples(examples)):",
            "    print(run.task.record(example, found))",
        ]
        python.insert(0, "from pathlib import Path\n")
    return _side_by_side(python, shell)


def _side_by_side(python: list[str], shell: list[str]) -> Html:
    return tag(
        "div",
        tag("div", tag("h3", "Python"), _code("\n".join(python))),
        tag("div", tag("h3", both("Command line", "命令行")), _code("\n".join(shell))),
        class_="pair",
    )


def _example(facts: Facts) -> tuple[str, ...]:
    """Texts to try the model on: short ones of the dev set, where there are any."""
    known = [
        each
        for each in facts.run.predictions or facts.kept.predictions
        if isinstance(each, Prediction)
    ]
    for each in known[:50]:
        if each.texts and all(map(_plain, each.texts)):
            return each.texts
    return EXAMPLE * max(1, len(known[0].texts) if known else 1)


def _plain(text: str, most: int = 24) -> bool:
    return len(text) <= most and text.isprintable() and not text.startswith("-")


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


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
        if result.get(key) is not None and not (key == "seed" and facts.gathers)
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

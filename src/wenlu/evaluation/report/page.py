"""The report of a run as one page that needs nothing else: no network, no other file, no script.

What little script there is (sorting, reading values off a line) only adds to what is there
already. The page forbids itself everything but that script, by its hash.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path, PurePosixPath

from wenlu.atomic import atomic_write
from wenlu.evaluation.records import records
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, join, quoted, tag
from wenlu.evaluation.report.sections.answers import answer_mistakes, answers
from wenlu.evaluation.report.sections.choices import choice_mistakes, places
from wenlu.evaluation.report.sections.classes import classes
from wenlu.evaluation.report.sections.confidence import confidence
from wenlu.evaluation.report.sections.confusion import confusion
from wenlu.evaluation.report.sections.curves import curves
from wenlu.evaluation.report.sections.data import data
from wenlu.evaluation.report.sections.findings import findings
from wenlu.evaluation.report.sections.headline import headline
from wenlu.evaluation.report.sections.mistakes import mistakes
from wenlu.evaluation.report.sections.relations import (
    predicates,
    predicates_mixed_up,
    relation_texts,
)
from wenlu.evaluation.report.sections.seeds import seeds
from wenlu.evaluation.report.sections.setup import configuration, stopped, usage, versions
from wenlu.evaluation.report.sections.spans import span_texts, types, types_mixed_up
from wenlu.evaluation.run_files import RunFiles, read_run

Section = tuple[str, str, str, Callable[[Facts], Html | None]]
"""Anchor, title in two languages, and what draws it."""

FIRST: tuple[Section, ...] = (
    ("findings", "Worth noting", "值得注意", findings),
    ("seeds", "Seeds", "随机种子", seeds),
    ("curves", "Learning", "学习曲线", curves),
)
OF_KIND: dict[str, tuple[Section, ...]] = {
    "labels": (
        ("confusion", "Confusion", "混淆矩阵", confusion),
        ("classes", "Classes", "各类得分", classes),
        ("confidence", "Confidence", "置信度", confidence),
        ("mistakes", "Mistakes", "误判样例", mistakes),
    ),
    "spans": (
        ("types", "Types", "各类得分", types),
        ("confusion", "Confusion", "类型混淆", types_mixed_up),
        ("texts", "Texts", "逐条对照", span_texts),
    ),
    "answers": (
        ("answers", "Answers", "答案", answers),
        ("mistakes", "Mistakes", "误答样例", answer_mistakes),
    ),
    "choices": (
        ("places", "Choices", "选项", places),
        ("confidence", "Confidence", "置信度", confidence),
        ("mistakes", "Mistakes", "误答样例", choice_mistakes),
    ),
    "relations": (
        ("predicates", "Predicates", "各谓词得分", predicates),
        ("confusion", "Confusion", "谓词混淆", predicates_mixed_up),
        ("texts", "Texts", "逐条对照", relation_texts),
    ),
}
"""What is drawn from the dev predictions, by what they look like; of unknown ones nothing."""
LAST: tuple[Section, ...] = (
    ("data", "Data", "数据", data),
    ("usage", "Use the model", "使用模型", usage),
    ("configuration", "Configuration", "配置", configuration),
    ("versions", "Versions", "版本与命令", versions),
)


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder, from the files that are there.

    The page appears whole or not at all. An unfinished run gets a page that says so.

    Args:
        run: a run folder that `wenlu train` wrote.

    Returns:
        The file written.

    Raises:
        RunError: `run` holds none of the files of a run, or cannot be written to.
    """
    page = report_page(_gather(run))
    file = run / "report.html"
    with atomic_write(file) as out:
        out.write(page)
    return file


def sections_of(kind: str) -> tuple[Section, ...]:
    """The sections of the page in order, for a kind of task."""
    return *FIRST, *OF_KIND.get(kind, ()), *LAST


def report_page(facts: Facts) -> str:
    """The page as text."""
    style, script = (
        (files("wenlu.evaluation.report") / name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js")
    )
    drawn = [
        (at, english, name, body(facts))
        for at, english, name, body in sections_of(facts.run.kind)
        if not (facts.gathers and at in _of_one_run(facts))
    ]
    shown = [each for each in drawn if each[3] is not None]
    links = [tag("a", both(english, name), href=f"#{at}") for at, english, name, _ in shown]
    sections = [
        tag("section", tag("h2", both(english, name)), body, id=at)
        for at, english, name, body in shown
    ]
    body = tag(
        "body",
        _header(facts),
        tag("nav", *links, aria_label="Sections"),
        tag("main", tag("section", headline(facts), id="headline"), *sections),
        tag("script", Html(script)),
    )
    title = f"{facts.task} · wenlu report"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _gather(folder: Path) -> Facts:
    """A run, and where it gathers several seeds these too."""
    run = read_run(folder)
    return Facts(run, tuple(_seeds(run)))


def _seeds(run: RunFiles) -> list[RunFiles]:
    found = []
    for each in records(run.result.get("runs")):
        inside = PurePosixPath(str(each.get("folder") or ".."))
        folder = run.folder / inside
        if not inside.is_absolute() and ".." not in inside.parts and folder.is_dir():
            found += [read_run(folder)] if any(folder.iterdir()) else []
    return found


def _of_one_run(facts: Facts) -> set[str]:
    """The sections that stand in the reports of the seeds, where the folder itself has no such."""
    without = set() if facts.run.epochs or facts.run.steps else {"curves"}
    if not facts.run.predictions:
        without |= {at for at, *_ in OF_KIND.get(facts.run.kind, ())}
    return without


def _header(facts: Facts) -> Html:
    seal = tag(
        "svg",
        tag("rect", width=40, height=40, rx=5),
        tag("text", "文", x=20, y=18),
        tag("text", "炉", x=20, y=35.5),
        class_="seal",
        viewBox="0 0 40 40",
        role="img",
        aria_label="wenlu",
        lang="zh-Hans",
    )
    model = facts.result.get("model") or facts.run.config.get("model")
    about: list[Html | str | None] = [
        quoted(str(model)) if isinstance(model, str) else None,
        *_sizes(facts),
        quoted(facts.run.folder.resolve().name),
    ]
    line = join([part for part in about if part], " · ")
    words = tag("div", tag("h1", quoted(facts.task), " ", stopped(facts)), tag("p", line))
    name = tag("span", "wenlu ", chinese("文炉"), " report", class_="maker")
    return tag("header", seal, words, name)


def _sizes(facts: Facts) -> Iterator[str]:
    """How many labels there are, and how much they were measured on."""
    nouns = {"labels": "classes", "spans": "types", "relations": "predicates"}
    count = len(facts.labels) or len(facts.tallies)
    if count and facts.run.kind in nouns:
        yield f"{count} {nouns[facts.run.kind]}"
    rated = sum(each.gold is not None for each in facts.run.predictions)
    if rated:
        asked = "questions" if facts.run.kind in ("answers", "choices") else "texts"
        yield f"{rated:,} dev {asked}"


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"

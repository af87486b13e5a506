"""What the run learned from and was measured on."""

from wenlu.evaluation.numerals import DASH, percent, whole
from wenlu.evaluation.records import Record, number, record
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, scrolling, tag

COUNTS = {
    "rows": ("Texts", "条数"),
    "cut": ("Cut to length", "被截断"),
    "unknown_share": ("[UNK]", "未登录词"),
    "duplicates": ("Duplicates", "重复"),
    "conflicts": ("Label conflicts", "标注冲突"),
    "also_in_train": ("Also in train", "与训练集重复"),
}


def data(facts: Facts) -> Html:
    """A row a split: size, what was cut or unknown, and what makes a score doubtful."""
    splits = record(facts.result.get("splits"))
    if not splits:
        return empty("The splits are described when the run finishes.")
    head = [
        tag("th", both("Split", "数据"), scope="col"),
        tag("th", both("File", "文件"), scope="col"),
    ]
    head += [tag("th", both(*name), scope="col", class_="n") for name in COUNTS.values()]
    rows = [_row(str(name), record(split)) for name, split in splits.items()]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    meaning = tag(
        "p",
        "Duplicates stand more than once in a split; conflicts do so with different labels. ",
        chinese("“标注冲突”指同一文本有不同标签。"),
        class_="hint",
    )
    return join([scrolling(table, "Data by split"), meaning, _notes(splits)])


def _notes(splits: Record) -> Html | None:
    """What was odd in the files, and how often."""
    rows = []
    for name, split in splits.items():
        notes, size = record(record(split).get("notes")), number(record(split), "rows")
        for what in notes:
            count = number(notes, str(what))
            if not count:
                continue
            share = tag("small", f" {percent(count / size)}") if size else None
            rows.append(
                tag(
                    "tr",
                    tag("th", quoted(str(name)), scope="row"),
                    tag("td", whole(count), share, class_="n"),
                    tag("td", quoted(str(what))),
                )
            )
    if not rows:
        return None
    head = [
        tag("th", both("Split", "数据"), scope="col"),
        tag("th", both("Times", "次数"), scope="col", class_="n"),
        tag("th", both("What was odd", "异常情况"), scope="col"),
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    title = tag("h3", both("Odd in the files", "数据中的异常"))
    return join([title, scrolling(table, "What was odd in the files", kind="fit")])


def _row(name: str, split: Record) -> Html:
    return tag(
        "tr",
        tag("th", quoted(name), scope="row"),
        tag("td", tag("code", str(split["file"])) if split.get("file") else DASH),
        *(_count(split, key) for key in COUNTS),
    )


def _count(split: Record, key: str) -> Html:
    value, rows = number(split, key), number(split, "rows")
    if key == "unknown_share":
        return tag("td", percent(value), class_="n")
    alarming = key in ("conflicts", "also_in_train") and bool(value)
    share = None
    if key != "rows" and value and rows:
        share = tag("small", f" {percent(value / rows)}")
    return tag("td", whole(value), share, class_="n alarm" if alarming else "n")

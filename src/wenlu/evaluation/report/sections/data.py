"""What the run learned from and was measured on."""

from wenlu.evaluation.numerals import DASH, percent, whole
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, scrolling, tag
from wenlu.evaluation.run_files import Record, number, record

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
    return join([scrolling(table, "Data by split"), meaning])


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

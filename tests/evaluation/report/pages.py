"""What every page must be, whatever it tells of."""

import re
from html.parser import HTMLParser
from pathlib import Path

from wenlu.evaluation import write_report

VOID = {"meta", "br", "col"}


class Checker(HTMLParser):
    """Notes what is open, every address, every script, and the text of every section."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.addresses: list[str] = []
        self.scripts = 0
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for key, value in attrs:
            if key.startswith("on"):
                self.problems.append(f"{tag} has {key}")
            if key in ("href", "src", "xlink:href", "action", "data", "srcset", "poster"):
                self.addresses.append(value or "")
            if key == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def check(run: Path) -> Checker:
    """Write a report, and hold it to what every report must be."""
    file = write_report(run)
    assert file == run / "report.html"
    page = file.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.open
    assert not checker.problems
    assert checker.scripts == 1
    assert len(checker.ids) == len(set(checker.ids))
    assert all(address.startswith(("#", "./")) for address in checker.addresses)
    assert {address[1:] for address in checker.addresses if address[0] == "#"} <= set(checker.ids)
    assert not re.search(r"url\(|@import|//[a-z]", page.split("</style>")[0])
    assert not re.search(r">\s*(nan|None|inf)\b", page)
    assert [each.name for each in run.iterdir() if each.name.startswith(".")] == []
    return checker

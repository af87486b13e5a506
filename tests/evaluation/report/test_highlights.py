from html.parser import HTMLParser
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.report.highlights import LANES, Mark, marked_text, stretches
from wenlu.evaluation.report.markup import escape

NASTY = "𠮷野家👩\u200d👧在e\u0301<b>\"'&\x00\u202e\n\ud800ﬁ한İ"


class Reader(HTMLParser):
    """The text of each paragraph and, for every mark of it, the text under it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str | None] = []
        self.text = ""
        self.beside = ""
        self.under: dict[str, str] = {}
        self.labels: list[str] = []
        self.part = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("p", "summary"):
            self.part = found.get("class") or ""
        if tag == "mark":
            self.open.append(found["class"])
            if "data-label" in found and "beside" not in self.part:
                self.labels.append(found["data-label"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "beside" in self.part:
            self.beside += data
            return
        self.text += data
        for kind in self.open:
            self.under[str(kind)] = self.under.get(str(kind), "") + data


def read(text: str, marks: list[Mark]) -> Reader:
    reader = Reader()
    reader.feed(marked_text(text, marks))
    return reader


def shown(text: str) -> str:
    """What a text looks like on the page."""
    reader = HTMLParser()
    out: list[str] = []
    reader.handle_data = out.append  # type: ignore[method-assign]
    reader.feed(escape(text))
    reader.close()
    return "".join(out)


TEXTS = st.text(alphabet=st.one_of(st.sampled_from(NASTY), st.characters()), max_size=60)


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[Mark]]:
    text = draw(TEXTS.filter(bool))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text)))
    spans = draw(st.lists(places.filter(lambda each: each[0] < each[1]), max_size=LANES))
    return text, [
        Mark(f"k{at}", f"名{at}<", text[start:end], start, end)
        for at, (start, end) in enumerate(spans)
    ]


@given(marked())
def test_every_piece_is_marked_where_it_stands(case: tuple[str, list[Mark]]) -> None:
    text, marks = case
    page = read(text, marks)
    assert page.text == shown(text)
    assert page.under == {mark.kind: shown(mark.words) for mark in marks}
    assert sorted(page.labels) == sorted(mark.label for mark in marks)
    assert page.beside == ""


@given(marked())
def test_stretches_cut_the_text_and_lanes_hold_one_piece_at_a_time(
    case: tuple[str, list[Mark]],
) -> None:
    text, marks = case
    cut = stretches(text, [(mark, lane) for lane, mark in enumerate(marks)])
    assert "".join(text[each.start : each.end] for each in cut) == text
    for each in cut:
        inside = {m for m in marks if (m.start or 0) <= each.start and each.end <= (m.end or 0)}
        assert {mark for _, mark in each.lanes} == inside


def test_pieces_that_meet_have_lanes_of_their_own_short_ones_nearest_to_the_words() -> None:
    text = "北京大学附属第一医院旁"
    spans = [(0, 10), (0, 2), (0, 4), (2, 11), (7, 10)]
    page = marked_text(text, [Mark(f"k{a}x{b}", "", text[a:b], a, b) for a, b in spans])
    lanes = {
        (a, b): int(page.split(f'class="k{a}x{b}" style="--lane:')[1][0])
        if f'class="k{a}x{b}" style' in page
        else 0
        for a, b in spans
    }
    for one, other in combinations(spans, 2):
        if one[0] < other[1] and other[0] < one[1]:
            assert lanes[one] != lanes[other]
            short, long = sorted((one, other), key=lambda each: each[1] - each[0])
            assert lanes[short] < lanes[long]
    assert f"--lanes:{max(lanes.values())}" in page


def test_pieces_without_place_or_room_are_listed() -> None:
    crowd = [Mark("found", f"类{k}", "甲乙", 0, 2) for k in range(LANES + 2)]
    lost = [
        Mark("missed", "型", "别处<i>"),
        Mark("surplus", "型", "后面", 9, 99),
        Mark("surplus", "型", "空", 1, 1),
    ]
    page = read("甲乙丙", [*crowd, *lost])
    assert page.text == "甲乙丙"
    assert len(page.labels) == LANES
    for words in ("甲乙", "别处<i>", "后面", "空"):
        assert words in page.beside
    assert page.beside.count("甲乙") == 2


def test_of_a_long_text_the_parts_around_the_pieces_are_shown() -> None:
    text = "始" + "无" * 500 + "中心" + "无" * 500 + "末"
    start = text.index("中心")
    page = marked_text(text, [Mark("found", "型", "中心", start, start + 2)])
    summary, whole = page.split("</summary>")
    assert "中心" in summary
    assert "始" not in summary
    assert summary.count("…") == 2
    assert "始" in whole
    assert "末" in whole
    assert "…" not in whole


def test_a_huge_text_is_not_shown_whole_and_says_what_is_left_out() -> None:
    text = "".join(chr(0x4E00 + k % 5000) for k in range(100_000))
    marks = [Mark("found", f"t{k}", text[k : k + 2], k, k + 2) for k in range(0, 100_000, 997)]
    page = marked_text(text, marks)
    assert len(page) < 60_000
    reader = read(text, marks)
    for mark in marks:
        assert mark.label in page
        assert mark.words in reader.text or mark.words in reader.beside
    assert not marked_text("无" * 5000, []).count("<mark")

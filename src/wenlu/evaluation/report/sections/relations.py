"""Relations: how well each predicate is found, what is taken for what, and a table a text."""

from wenlu.evaluation.matching import Match
from wenlu.evaluation.numerals import whole
from wenlu.evaluation.predictions import Triple, TriplePrediction
from wenlu.evaluation.report.examples import WORST, example_list, shown_text, verdict
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, scrolling, tag
from wenlu.evaluation.report.score_table import counts_of, mix_ups, score_table

Rated = tuple[TriplePrediction, list[Match[Triple]]]
MOST_ROWS = 40
"""Relations of a text that are shown."""
VERDICTS = {
    "found": ("✓", "found", "找到"),
    "missed": ("−", "missed", "漏掉"),
    "surplus": ("+", "surplus", "多余"),
    "wrong": ("≠", "another predicate", "谓词错误"),
}


def predicates(facts: Facts) -> Html:
    """A table of the predicates."""
    return score_table(facts, ("Predicate", "谓词"))


def predicates_mixed_up(facts: Facts) -> Html:
    """The matrix of predicates."""
    same = ("The same subject and object with another predicate.", "主体、客体相同而谓词不同；")
    return mix_ups(facts, ("predicates", "谓词"), same, _in_words)


def relation_texts(facts: Facts) -> Html:
    """The texts with most mistakes, each with a table of its relations."""
    rated = [(each, found) for each, found in facts.matches if isinstance(each, TriplePrediction)]
    if not rated:
        return empty("No dev predictions with gold relations yet.")
    wrong = [each for each in rated if _mistakes_in(each[1])]
    if not wrong:
        return empty("No mistakes.")
    wrong.sort(key=lambda each: (-_mistakes_in(each[1]), counts_of(each[1])["found"]))
    said = tag(
        "p",
        f"{whole(len(wrong))} of {whole(len(rated))} texts have a mistake in them; those with most "
        "come first. A relation counts as found if subject, predicate and every slot of the "
        "object agree. ",
        chinese("错误最多的文本排在最前；主体、谓词、客体全部一致才算找到。"),
        class_="hint",
    )
    return join([said, example_list(wrong[:WORST], lambda each: _text(facts, each))])


def _mistakes_in(matches: list[Match[Triple]]) -> int:
    counts = counts_of(matches)
    return counts["missed"] + counts["surplus"] + 2 * counts["wrong"]


def _text(facts: Facts, rated: Rated) -> Html:
    each, matches = rated
    order = sorted(matches, key=lambda match: (match.piece.subject, match.piece.predicate))
    head = [
        tag("th", both("Verdict", "判定"), scope="col"),
        tag("th", both("Subject", "主体"), scope="col"),
        tag("th", both("Predicate", "谓词"), scope="col"),
        tag("th", both("Object", "客体"), scope="col"),
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *(_row(facts, match) for match in order[:MOST_ROWS])),
        class_="triples",
    )
    more = empty(f"{len(order) - MOST_ROWS} more are not shown.") if order[MOST_ROWS:] else None
    words = tag(
        "div",
        shown_text(each.text),
        scrolling(table, "Relations", kind="fit"),
        more,
        verdict(id=each.id) if each.id else None,
        class_="said",
    )
    return tag("li", words, class_="wide")


def _row(facts: Facts, match: Match[Triple]) -> Html:
    triple = match.piece
    sign, english, in_chinese = VERDICTS[match.verdict]
    predicate: Html = quoted(facts.name(triple.predicate))
    if match.verdict == "wrong" and match.predicted is not None:
        predicate = join([predicate, " → ", quoted(facts.name(match.predicted.predicate))])
    return tag(
        "tr",
        tag("th", tag("i", sign, aria_hidden="true"), " ", both(english, in_chinese), scope="row"),
        tag("td", quoted(triple.subject)),
        tag("td", predicate),
        tag("td", _object(triple)),
        class_=match.verdict,
    )


def _object(triple: Triple) -> Html:
    """The value, and after it the other slots by name."""
    parts = [
        quoted(text) if slot == "@value" else join([tag("small", slot), " ", quoted(text)])
        for slot, text in sorted(triple.object, key=lambda pair: pair[0] != "@value")
    ]
    return join(parts, "；")


def _in_words(triple: Triple) -> str:
    value = "，".join(text for _, text in triple.object)
    return f"{triple.subject} — {value}"

"""What deserves a second look, said in sentences."""

from collections import Counter
from collections.abc import Callable, Iterator

from wenlu.evaluation.calibration import calibration_error, reliability_bins
from wenlu.evaluation.confusions import confused_pairs
from wenlu.evaluation.matching import Tally, shifted
from wenlu.evaluation.numerals import decimals, percent, score, whole
from wenlu.evaluation.predictions import AnswerPrediction, SpanPrediction
from wenlu.evaluation.records import Record, number, record, records
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, empty, join, quoted, tag


def findings(facts: Facts) -> Html:
    """A list of sentences, each by a rule of this file; the rules that stay silent say so."""
    sentences = [sentence for rule in RULES for sentence in rule(facts)]
    if not sentences:
        return empty("Nothing out of the ordinary.")
    return tag("ul", *(tag("li", sentence) for sentence in sentences), class_="findings")


def _broken(facts: Facts) -> Iterator[Html]:
    for note in facts.run.notes:
        yield join([note, "."])
    lost = [each for each in facts.run.steps if "loss" in each and number(each, "loss") is None]
    if lost:
        yield join(
            [
                f"The training loss was not a finite number at {whole(len(lost))} of "
                f"{whole(len(facts.run.steps))} logged steps, first at step "
                f"{whole(number(lost[0], 'step'))}. A lower learning rate or gradient clipping "
                "usually mends this."
            ]
        )


def _unfinished(facts: Facts) -> Iterator[Html]:
    if facts.run.finished:
        return
    step = max((number(each, "step") or 0 for each in facts.run.steps), default=0)
    done = len(facts.run.epochs)
    yield join(
        [
            f"This run is unfinished: the last logged step is {whole(step)}, after {done} whole "
            f"epoch{'' if done == 1 else 's'}. ",
            tag("code", "wenlu train … --resume"),
            " finishes it.",
        ]
    )


def _chance(facts: Facts) -> Iterator[Html]:
    if not facts.interval or facts.main_metric != "accuracy":
        return
    if facts.guessing is not None and facts.interval[0] <= facts.guessing:
        yield join(["The model is not shown to be better than guessing."])
    if facts.majority:
        label, share = facts.majority
        if facts.interval[0] <= share:
            yield join(
                [
                    "The model is not shown to be better than always answering ",
                    quoted(facts.name(label)),
                    ".",
                ]
            )


def _splits(facts: Facts) -> Iterator[Html]:
    for name, split in record(facts.result.get("splits")).items():
        split = record(split)
        rows = number(split, "rows") or 0
        leaked, conflicts = number(split, "also_in_train") or 0, number(split, "conflicts") or 0
        cut, unknown = number(split, "cut") or 0, number(split, "unknown_share") or 0
        if leaked and rows:
            yield join(
                [
                    f"{whole(leaked)} of the {whole(rows)} {name} texts ({percent(leaked / rows)}) "
                    "also stand in the training set: the score flatters the model."
                ]
            )
        if rows and conflicts / rows > 0.002:
            yield join(
                [
                    f"{whole(conflicts)} texts of {name} ({percent(conflicts / rows)}) come with "
                    "different labels: no model can get them all right."
                ]
            )
        missing = split.get("labels_without_examples")
        if isinstance(missing, list) and missing:
            some = join([quoted(facts.name(str(label))) for label in missing[:8]], "、")
            more = f" and {len(missing) - 8} more" if missing[8:] else ""
            yield join(["No training text carries the label ", some, more, "."])
        if rows and cut / rows > 0.05:
            yield join(
                [
                    f"{percent(cut / rows, 1)} of the {name} texts were cut to the model's length; "
                    "a longer length may help."
                ]
            )
        yield from _odd(name, record(split.get("notes")), rows)
        if unknown > 0.01:
            yield join(
                [
                    f"{percent(unknown, 1)} of the {name} tokens are [UNK]; a larger vocabulary "
                    "or cleaner text may help."
                ]
            )


def _odd(name: str, notes: Record, rows: float) -> Iterator[Html]:
    """What was so often odd in a file that it may matter."""
    for what in notes:
        count = number(notes, str(what)) or 0
        if rows and count / rows > 0.01:
            share = percent(count / rows, 1)
            yield join(
                [f"In {name}: {whole(count)} ", quoted(str(what)), f" ({share} of its rows)."]
            )


def _epochs(facts: Facts) -> Iterator[Html]:
    epochs, best = facts.run.epochs, facts.best_epoch
    if len(epochs) < 2 or best is None or not facts.run.finished:
        return
    last = max(number(each, "epoch") or 0 for each in epochs)
    if best == last and facts.result.get("stopped") != "early stopping":
        yield join(["The last epoch was the best: training longer may still help."])
    losses = [(v, number(e, "epoch")) for e in epochs if (v := number(e, "dev_loss")) is not None]
    if losses and losses[-1][0] > 1.1 * min(losses)[0]:
        low, at = min(losses)
        yield join(
            [
                f"The dev loss rose from {decimals(low, 3)} (epoch {whole(at)}) to "
                f"{decimals(losses[-1][0], 3)}: the model began to learn its training set by heart."
            ]
        )


def _seeds(facts: Facts) -> Iterator[Html]:
    found = [
        value
        for run in records(facts.result.get("runs"))
        if (value := number(record(run.get("scores")), facts.main_metric)) is not None
    ]
    if found and max(found) - min(found) > 0.03:
        low, high = (score(facts.main_metric, value) for value in (min(found), max(found)))
        yield join([f"The seeds differ much, from {low} to {high}: a single run says little."])


def _classes(facts: Facts) -> Iterator[Html]:
    if facts.confusion is None or len(facts.labels) < 2:
        return
    guesses = facts.confusion.sum(0).tolist()
    unused = [
        label
        for label, each, count in zip(facts.labels, facts.classes, guesses, strict=True)
        if each.support and not count
    ]
    if unused:
        some = join([quoted(facts.name(label)) for label in unused[:8]], "、")
        more = f" and {len(unused) - 8} more" if unused[8:] else ""
        yield join(
            [f"Never predicted, though the dev set has them ({len(unused)}): ", some, more, "."]
        )
    pairs = confused_pairs(facts.confusion, 1)
    wrong = int(facts.confusion.sum() - facts.confusion.trace())
    if pairs and len(facts.labels) > 2 and pairs[0].count >= max(10, 0.05 * wrong):
        pair = pairs[0]
        yield join(
            [
                "The most frequent mistake takes ",
                quoted(facts.name(facts.labels[pair.gold])),
                " for ",
                quoted(facts.name(facts.labels[pair.predicted])),
                f": {whole(pair.count)} times, {percent(pair.count / wrong, 1)} of all mistakes.",
            ]
        )


def _confidence(facts: Facts) -> Iterator[Html]:
    if facts.certain is None or len(facts.rated) < 100:
        return
    sure, right = facts.certain
    error = calibration_error(reliability_bins(sure, right))
    gap = float(sure.mean() - right.mean())
    if error > 0.05 and abs(gap) > 0.03:
        word = "surer" if gap > 0 else "less sure"
        means = percent(float(sure.mean()), 1), percent(float(right.mean()), 1)
        yield join(
            [
                f"The model is {word} than it should be: its mean confidence is {means[0]}, its "
                f"accuracy {means[1]}. Calibrate its probabilities before relying on them."
            ]
        )


def _pieces(facts: Facts) -> Iterator[Html]:
    """Of spans and relations: what is never found, too boldly or too timidly, or nearly."""
    never = [label for label, each in facts.tallies.items() if each.gold >= 5 and not each.found]
    if never:
        some = join([quoted(facts.name(label)) for label in never[:8]], "、")
        more = f" and {len(never) - 8} more" if never[8:] else ""
        yield join(["Never found, though the dev set has them: ", some, more, "."])
    total = sum(facts.tallies.values(), Tally())
    if total.gold >= 50 and total.found and abs(total.precision - total.recall) > 0.1:
        bold = total.recall > total.precision
        word = "too much" if bold else "too little"
        yield join(
            [
                f"The model says {word}: {percent(total.precision, 1)} of what it predicts is "
                f"right, and it finds {percent(total.recall, 1)} of what is there."
            ]
        )
    spans = [found for each, found in facts.matches if isinstance(each, SpanPrediction)]
    missed = total.gold - total.found
    moved = sum(map(shifted, spans))
    if moved >= 20 and moved / missed > 0.25:
        yield join(
            [
                f"{whole(moved)} of the {whole(missed)} gold spans that were not found were "
                "predicted with other bounds: read some of them, the annotation itself may waver."
            ]
        )


def _answers(facts: Facts) -> Iterator[Html]:
    """Of answers: none at all, or of another length than the right ones."""
    rated = [each for each in facts.rated_as(AnswerPrediction) if each.gold]
    nothing = sum(not each.predicted for each in rated)
    if nothing:
        yield join([f"{whole(nothing)} of the {whole(len(rated))} questions got no answer."])
    if len(rated) < 50:
        return
    said = sum(len(each.predicted) for each in rated)
    right = sum(min(map(len, each.gold or ())) for each in rated)
    if right and not 2 / 3 < said / right < 3 / 2:
        word = "longer" if said > right else "shorter"
        yield join(
            [
                f"Predicted answers are much {word} than the right ones: "
                f"{said / len(rated):.1f} against {right / len(rated):.1f} characters on average."
            ]
        )


def _places(facts: Facts) -> Iterator[Html]:
    """Of choices: a place in the list that is chosen far more often than it is right."""
    chosen = Counter(each.predicted for each in facts.chosen)
    right = Counter(each.gold for each in facts.chosen)
    if len(facts.chosen) < 100:
        return
    place = max(chosen, key=lambda each: chosen[each] - right[each])
    more = chosen[place] - right[place]
    if more / len(facts.chosen) > 0.1:
        yield join(
            [
                f"Choice {place + 1} is chosen {whole(chosen[place])} times and right "
                f"{whole(right[place])} times: the model has a habit."
            ]
        )


RULES: tuple[Callable[[Facts], Iterator[Html]], ...] = (
    _unfinished,
    _broken,
    _chance,
    _splits,
    _epochs,
    _seeds,
    _classes,
    _pieces,
    _answers,
    _places,
    _confidence,
)

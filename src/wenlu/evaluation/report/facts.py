"""What the sections of the page tell about, worked out once.

Axes: gold, predicted; n rated texts.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float64, Int64

from wenlu.evaluation.matching import Match, Tally, match, tallies
from wenlu.evaluation.metrics import (
    ClassScore,
    accuracy,
    confusion_matrix,
    macro_f1,
    per_class,
    wilson_interval,
)
from wenlu.evaluation.predictions import (
    AnyPrediction,
    ChoicePrediction,
    Prediction,
    SpanPrediction,
    TriplePrediction,
)
from wenlu.evaluation.records import Record, number, record, records
from wenlu.evaluation.run_files import RunFiles

Rated = TypeVar("Rated", bound=AnyPrediction)
Pieces = SpanPrediction | TriplePrediction
MAIN = ("accuracy", "exact_match", "macro_f1", "micro_f1", "f1")
"""What a run that did not get to say its main metric may have been measured by, the likeliest
first."""


@dataclass(frozen=True)
class Facts:
    """A run, and the runs of its seeds if it gathers several."""

    run: RunFiles
    seeds: tuple[RunFiles, ...] = ()

    @property
    def result(self) -> Record:
        return self.run.result

    @property
    def scores(self) -> Record:
        return record(self.result.get("scores"))

    @property
    def gathers(self) -> bool:
        """Whether this is several runs that differ in their seed."""
        return bool(records(self.result.get("runs")))

    @cached_property
    def kept(self) -> RunFiles:
        """The run whose settings to show: this one, or the best of its seeds."""
        best = [each for each in self.seeds if each.folder.name == self.result.get("best_run")]
        return (best or self.seeds or [self.run])[0]

    @cached_property
    def task(self) -> str:
        """Name of the task."""
        named = self.result.get("task") or self.run.config.get("task")
        if isinstance(named, dict):
            named = named.get("name")
        return str(named or self.run.folder.resolve().name)

    @cached_property
    def main_metric(self) -> str:
        """The metric that the best epoch was chosen by."""
        logged = (name for name in MAIN if any(name in each for each in self.run.epochs))
        return str(self.result.get("main_metric") or next(logged, MAIN[0]))

    def rated_as(self, kind: type[Rated]) -> list[Rated]:
        """The predictions of a kind, where what is right is known."""
        return [
            each
            for each in self.run.predictions
            if isinstance(each, kind) and each.gold is not None
        ]

    @cached_property
    def rated(self) -> list[Prediction]:
        """The labels given to texts whose gold label is known."""
        return self.rated_as(Prediction)

    @cached_property
    def chosen(self) -> list[ChoicePrediction]:
        """The choices made where the right one is known."""
        return self.rated_as(ChoicePrediction)

    @cached_property
    def matches(self) -> list[tuple[Pieces, list[Match[Any]]]]:
        """Of every text with spans or relations, what was found and what was not."""
        texts: list[Pieces] = [*self.rated_as(SpanPrediction), *self.rated_as(TriplePrediction)]
        return [(each, match(each.gold or (), each.predicted)) for each in texts]

    @cached_property
    def tallies(self) -> dict[str, Tally]:
        """Counts of every label of spans or relations that occurs, in the order of the result."""
        met = tallies(each for _, matches in self.matches for each in matches)
        listed = [str(each.get("label")) for each in records(self.result.get("labels"))]
        order = dict.fromkeys([*(label for label in listed if label in met), *sorted(met)])
        return {label: met[label] for label in order}

    @cached_property
    def labels(self) -> list[str]:
        """The label set, in its order; labels that the result does not list come last."""
        listed = [str(each.get("label")) for each in records(self.result.get("labels"))]
        met = {each.predicted for each in self.rated} | {str(each.gold) for each in self.rated}
        return list(dict.fromkeys([*listed, *sorted(met)]))

    @cached_property
    def names(self) -> dict[str, str]:
        """What to call each label: its name, with the label itself where two share a name."""
        named = {
            str(each.get("label")): str(each.get("name") or each.get("label"))
            for each in records(self.result.get("labels"))
        }
        shared = Counter(named.values())
        plain = {label: named.get(label, label) for label in self.labels}
        return {
            label: f"{name} ({label})" if shared[name] > 1 else name
            for label, name in plain.items()
        }

    def name(self, label: str | None) -> str:
        """What to call a label, known or not."""
        return "–" if label is None else self.names.get(label, label)

    @cached_property
    def confusion(self) -> Int64[np.ndarray, "gold predicted"] | None:
        """The confusion matrix over `labels`; None without rated predictions."""
        if not self.rated:
            return None
        gold = [str(each.gold) for each in self.rated]
        return confusion_matrix(gold, [each.predicted for each in self.rated], self.labels)

    @cached_property
    def classes(self) -> list[ClassScore]:
        """The score of each label; empty without rated predictions."""
        return [] if self.confusion is None else per_class(self.confusion)

    def score(self, metric: str) -> float | None:
        """A score of the dev set: the run's own, else that of its best epoch, else worked out."""
        value = number(self.scores, metric)
        if value is None:
            key = "dev_loss" if metric == "loss" else metric
            best = [each for each in self.run.epochs if number(each, "epoch") == self.best_epoch]
            value = number(best[0], key) if best else None
        if value is None and self.chosen and metric == "accuracy":
            value = sum(each.right for each in self.chosen) / len(self.chosen)
        if value is None and self.classes and metric in ("accuracy", "macro_f1"):
            pairs = [(str(each.gold), each.predicted) for each in self.rated]
            gold, predicted = map(list, zip(*pairs, strict=True))
            value = (accuracy if metric == "accuracy" else macro_f1)(gold, predicted)
        return value

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the main metric.

        As the result has it; of an unfinished run, Wilson's for an accuracy. None for several
        seeds: their spread shows the chance in training, not that in the dev set.
        """
        if self.gathers:
            return None
        low = number(self.scores, f"{self.main_metric}_low")
        high = number(self.scores, f"{self.main_metric}_high")
        if low is not None and high is not None:
            return low, high
        value, count = self.score(self.main_metric), len(self.rated) or len(self.chosen)
        if value is None or self.main_metric != "accuracy" or not count or not 0 <= value <= 1:
            return None
        return wilson_interval(round(value * count), count)

    @cached_property
    def majority(self) -> tuple[str, float] | None:
        """The most frequent gold label, and the accuracy of always answering it."""
        if not self.classes:
            return None
        share, at = max((each.support, -k) for k, each in enumerate(self.classes))
        return self.labels[-at], share / len(self.rated)

    @cached_property
    def guessing(self) -> float | None:
        """The accuracy that blind guessing comes to, where choices are given."""
        if not self.chosen:
            return None
        return sum(1 / len(each.choices) for each in self.chosen) / len(self.chosen)

    @cached_property
    def certain(self) -> tuple[Float64[np.ndarray, " n"], Bool[np.ndarray, " n"]] | None:
        """Confidence and rightness of labels or choices; None where a confidence is missing."""
        told: list[Prediction | ChoicePrediction] = [*self.rated, *self.chosen]
        sure = [each.confidence for each in told]
        if not sure or None in sure:
            return None
        right = [each.right for each in told]
        return np.array(sure, dtype=np.float64), np.array(right)

    @cached_property
    def best_epoch(self) -> int | None:
        """The epoch whose model was kept, counted from 1; of an unfinished run the best yet."""
        best = number(self.result, "best_epoch")
        if best is None:
            scored = [
                (value, -place)
                for each in self.run.epochs
                if (value := number(each, self.main_metric)) is not None
                and (place := number(each, "epoch")) is not None
            ]
            best = -max(scored)[1] if scored else None
        return None if best is None else round(best)

"""What others have published for the tasks of CLUE, in percent.

Dev sets: "Ladder Side-Tuning: the wall-climbing ladder of pre-trained models" (its full
fine-tunings and its ladder, best epoch chosen on dev; F1 of CLUENER is micro over spans, and
CMRC2018 is an exact match of positions in the best window, which is stricter than CLUE's EM), and
the tables of TinyBERT4-zh, UER's RoBERTa Mini and MiniRBT. Test sets: "bert4keras in hand, baseline
I have: CLUE benchmark code".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TASKS = (
    *("iflytek", "tnews", "afqmc", "cmnli", "ocnli", "wsc"),
    *("csl", "cmrc2018", "c3", "chid", "cluener"),
)
"""The eleven tasks, in the order of the published tables."""


@dataclass(frozen=True, slots=True)
class Published:
    """Scores of one model."""

    model: str
    parameters: str
    split: Literal["dev", "test"]
    scores: Mapping[str, float]
    """Task -> percent."""


def _row(*scores: float) -> dict[str, float]:
    return dict(zip(TASKS, scores, strict=True))


PUBLISHED = (
    Published(
        "BERT base",
        "102 M",
        "dev",
        _row(60.06, 56.80, 72.41, 79.56, 73.93, 78.62, 83.93, 56.17, 60.54, 85.69, 79.45),
    ),
    Published(
        "RoBERTa-wwm-ext base",
        "102 M",
        "dev",
        _row(60.64, 58.06, 74.05, 81.24, 76.00, 87.50, 84.50, 56.54, 67.66, 86.71, 79.47),
    ),
    Published(
        "RoBERTa base + LST",
        "1.3 of 102 M",
        "dev",
        _row(59.29, 56.82, 70.37, 76.27, 71.02, 68.09, 82.63, 42.50, 56.97, 69.35, 78.30),
    ),
    Published("TinyBERT4-zh", "11.4 M", "dev", {"afqmc": 69.07, "tnews": 54.02, "ocnli": 69.59}),
    Published("UER Mini", "8.8 M", "dev", {"afqmc": 69.32, "tnews": 54.22, "ocnli": 67.36}),
    Published("MiniRBT-h256", "10.4 M", "dev", {"tnews": 54.45, "ocnli": 68.73}),
    Published(
        "BERT base",
        "102 M",
        "test",
        _row(61.19, 56.29, 73.37, 79.37, 71.73, 73.85, 84.03, 72.10, 61.33, 85.13, 78.68),
    ),
    Published(
        "RoBERTa-wwm-ext base",
        "102 M",
        "test",
        _row(61.12, 58.35, 73.61, 80.81, 74.27, 82.28, 85.33, 75.40, 67.11, 86.04, 79.38),
    ),
)

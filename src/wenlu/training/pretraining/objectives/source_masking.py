"""Words masked in what another objective predicts from.

Source: "SimBERTv2 / RoFormer-Sim", whose first stage writes a sentence from a damaged similar one.
"""

from dataclasses import dataclass

import numpy as np

from wenlu.randomness import subkeys, uniform
from wenlu.training.pretraining.batch import Rows
from wenlu.training.pretraining.objectives.mlm import MaskedLanguageModel

_CHOICE = np.asarray([1 << 32], np.uint64)  # beyond all places in a row


@dataclass(frozen=True)
class SourceMasking:
    """Masks words in the first text of some rows; none of them is predicted.

    Args:
        masking: how words are chosen, and what becomes of them.
        share: of the rows.
    """

    masking: MaskedLanguageModel
    share: float

    def __call__(self, rows: Rows) -> None:
        """Put other tokens into `rows.ids`."""
        chosen = uniform(subkeys(rows.keys, _CHOICE)) < self.share
        source = rows.text & (rows.segments == 0) & chosen[:, None]
        self.masking.prepare(rows._replace(text=source))

"""Training: batches by length, the training loop, exact resume, and inference."""

from typing import TYPE_CHECKING

from wenlu.lazy import exports
from wenlu.training.settings import TrainingSettings

if TYPE_CHECKING:
    from wenlu.training.choice_dataset import ChoiceDataset
    from wenlu.training.dataset import Dataset, TextDataset
    from wenlu.training.inference import gather_rows, run
    from wenlu.training.loop import fit
    from wenlu.training.processes import Processes, join_processes
    from wenlu.training.training import Training

__getattr__, __dir__ = exports(
    __name__,
    {
        "ChoiceDataset": "wenlu.training.choice_dataset",
        "Dataset": "wenlu.training.dataset",
        "Processes": "wenlu.training.processes",
        "TextDataset": "wenlu.training.dataset",
        "Training": "wenlu.training.training",
        "fit": "wenlu.training.loop",
        "gather_rows": "wenlu.training.inference",
        "join_processes": "wenlu.training.processes",
        "run": "wenlu.training.inference",
    },
)

__all__ = [
    "ChoiceDataset",
    "Dataset",
    "Processes",
    "TextDataset",
    "Training",
    "TrainingSettings",
    "fit",
    "gather_rows",
    "join_processes",
    "run",
]

"""wenlu (文炉): train, measure and use models for Chinese text."""

from typing import TYPE_CHECKING

from wenlu.lazy import exports
from wenlu.version import __version__

if TYPE_CHECKING:
    from wenlu.models.load import load, load_classifier
    from wenlu.models.saving import save
    from wenlu.tasks.config import RunConfig
    from wenlu.tasks.run import Run
    from wenlu.tasks.train import train
    from wenlu.training.pretraining.config import PretrainingConfig
    from wenlu.training.pretraining.run import pretrain
    from wenlu.training.settings import TrainingSettings

__getattr__, __dir__ = exports(
    __name__,
    {
        "PretrainingConfig": "wenlu.training.pretraining.config",
        "Run": "wenlu.tasks.run",
        "RunConfig": "wenlu.tasks.config",
        "TrainingSettings": "wenlu.training.settings",
        "load": "wenlu.models.load",
        "load_classifier": "wenlu.models.load",
        "pretrain": "wenlu.training.pretraining.run",
        "save": "wenlu.models.saving",
        "train": "wenlu.tasks.train",
    },
)

__all__ = [
    "PretrainingConfig",
    "Run",
    "RunConfig",
    "TrainingSettings",
    "__version__",
    "load",
    "load_classifier",
    "pretrain",
    "save",
    "train",
]

"""Model families, their heads, and loading and saving them."""

from wenlu.models.bundled import BUNDLED, Bundled
from wenlu.models.choice_scorer import ChoiceBatch, ChoiceScorer, Scored
from wenlu.models.classifier import Classified, Classifier, TextBatch
from wenlu.models.families import FAMILIES
from wenlu.models.load import Loaded, LoadedClassifier, load, load_classifier, load_trained
from wenlu.models.model import Model
from wenlu.models.pooling import POOLINGS
from wenlu.models.saving import save

__all__ = [
    "BUNDLED",
    "FAMILIES",
    "POOLINGS",
    "Bundled",
    "ChoiceBatch",
    "ChoiceScorer",
    "Classified",
    "Classifier",
    "Loaded",
    "LoadedClassifier",
    "Model",
    "Scored",
    "TextBatch",
    "load",
    "load_classifier",
    "load_trained",
    "save",
]

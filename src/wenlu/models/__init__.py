"""Model families, their heads, and loading and saving them."""

from wenlu.models.bundled import BUNDLED, Bundled
from wenlu.models.classifier import Classified, Classifier, TextBatch
from wenlu.models.families import FAMILIES
from wenlu.models.load import Loaded, LoadedClassifier, load, load_classifier, load_trained, save
from wenlu.models.model import Model
from wenlu.models.pooling import POOLINGS

__all__ = [
    "BUNDLED",
    "FAMILIES",
    "POOLINGS",
    "Bundled",
    "Classified",
    "Classifier",
    "Loaded",
    "LoadedClassifier",
    "Model",
    "TextBatch",
    "load",
    "load_classifier",
    "load_trained",
    "save",
]

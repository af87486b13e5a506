"""The recipe of each family, by name."""

from collections.abc import Callable

from wenlu.models.albert import albert
from wenlu.models.bert import bert
from wenlu.models.gpt2 import gpt2
from wenlu.models.nezha import nezha
from wenlu.models.roformer import roformer
from wenlu.nn import TransformerConfig

FAMILIES: dict[str, Callable[..., TransformerConfig]] = {
    "albert": albert,
    "bert": bert,
    "gpt2": gpt2,
    "nezha": nezha,
    "roformer": roformer,
}

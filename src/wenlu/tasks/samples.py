"""The bundled sample sets as tasks: they have the benchmarks' layouts and labels of their own."""

from dataclasses import replace

from wenlu.tasks.classification import Classification
from wenlu.tasks.clue import AFQMC

INTENTS = Classification(
    name="intents",
    summary="bundled sample: what a customer or a speaker wants, 18 classes (TNEWS layout)",
    text_fields=("sentence",),
    name_field="label_desc",
)
PAIRS = replace(
    AFQMC,
    name="pairs",
    summary="bundled sample: do two questions mean the same? (AFQMC layout)",
    submission_file="predict.json",
)

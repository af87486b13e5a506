"""The bundled sample sets as tasks: they have the benchmarks' layouts and labels of their own."""

from dataclasses import replace

from wenlu.tasks.classification import Classification
from wenlu.tasks.clue import AFQMC, C3, CHID, CMRC2018, CSL, WSC
from wenlu.tasks.ner import NER

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
PRONOUNS = replace(
    WSC,
    name="pronouns",
    summary="bundled sample: does the [pronoun] stand for the _noun_? (CLUEWSC2020 layout)",
    submission_file="predict.json",
)
KEYWORDS = replace(
    CSL,
    name="keywords",
    summary="bundled sample: are all the keywords those of the abstract? (CSL layout)",
    submission_file="predict.json",
)
CHOICES = replace(
    C3,
    name="choices",
    summary="bundled sample: questions on short texts, with choices (C3 layout)",
    submission_file="predict.json",
)
ENTITIES = replace(
    NER,
    name="entities",
    summary="bundled sample: names of persons, places and more (CLUENER layout)",
)
IDIOMS = replace(
    CHID,
    name="idioms",
    summary="bundled sample: which idiom belongs into which blank? (ChID layout)",
    submission_file="predict.json",
)
READING = replace(
    CMRC2018,
    name="reading",
    summary="bundled sample: answer questions with spans of passages (CMRC2018 layout)",
    max_length=256,
    submission_file="predict.json",
)

"""CMNLI: does the first sentence, translated from English, imply the second?"""

from types import MappingProxyType

from wenlu.tasks.classification import Classification

INFERENCE_LABELS = ("entailment", "neutral", "contradiction")
INFERENCE_NAMES = MappingProxyType(
    {"entailment": "蕴含", "neutral": "中立", "contradiction": "矛盾"}
)

CMNLI = Classification(
    name="cmnli",
    summary="CLUE: does the first sentence imply the second? (translated)",
    text_fields=("sentence1", "sentence2"),
    labels=INFERENCE_LABELS,
    names=INFERENCE_NAMES,
    unlabelled="-",
    submission_file="cmnli_predict.json",
)

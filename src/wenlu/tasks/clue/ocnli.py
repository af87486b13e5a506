"""OCNLI: does the first sentence, written in Chinese, imply the second?"""

from wenlu.tasks.classification import Classification
from wenlu.tasks.clue.cmnli import INFERENCE_LABELS, INFERENCE_NAMES

OCNLI = Classification(
    name="ocnli",
    summary="CLUE: does the first sentence imply the second? (native Chinese)",
    text_fields=("sentence1", "sentence2"),
    labels=INFERENCE_LABELS,
    names=INFERENCE_NAMES,
    unlabelled="-",
    train_files=("train.50k", "train", "train.30k", "train.10k", "train_10k", "train.3k"),
    submission_file="ocnli_50k_predict.json",
)

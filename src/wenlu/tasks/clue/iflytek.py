"""IFLYTEK: which of 119 categories the description of an app belongs to."""

from wenlu.tasks.classification import Classification

IFLYTEK = Classification(
    name="iflytek",
    summary="CLUE: category of an app by its description (long texts), 119 classes",
    text_fields=("sentence",),
    labels=tuple(str(code) for code in range(119)),
    name_field="label_des",
    submission_file="iflytek_predict.json",
)

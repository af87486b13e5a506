"""CMRC2018: answer a question with a span of a passage of Wikipedia."""

from wenlu.evaluation.answers import CMRC
from wenlu.tasks.reading import Reading

CMRC2018 = Reading(
    name="cmrc2018",
    summary="CLUE: answer a question with a span of a passage",
    head="global",
    metric=CMRC,
    main_metric="exact_match",  # CLUE ranks by it; the script's F1 stands beside it
    stride=128,
    max_length=512,
    train_files=("train", "cmrc2018_train"),
    dev_files=("dev", "cmrc2018_dev"),
    test_files=("test", "cmrc2018_test"),
    submission_file="cmrc2018_predict.json",
)

"""DuReader-robust, the reading comprehension of LIC2020, as "bert4keras in hand" sets it up.

Start and end are found by two softmaxes, one of several reference answers is drawn at each step,
and a text is cut to fit into one row.
"""

from wenlu.evaluation.answers import DUREADER
from wenlu.tasks.reading import Reading

DUREADER_ROBUST = Reading(
    name="dureader",
    summary="LIC2020: answer a search question with a span of a web page (DuReader-robust)",
    head="pointers",
    metric=DUREADER,
    main_metric="f1",
    stride=0,
    max_length=256,
    question_length=64,
    longest=16,
    test_files=("test", "test1", "test2"),
    submission_file="predict.json",
)

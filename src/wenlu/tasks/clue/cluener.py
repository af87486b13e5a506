"""CLUENER: names of ten kinds in news ("CLUENER2020: Fine-grained Named Entity Recognition").

A row has the text and its `label`: {type: {piece: [[start, end], ...]}}, the end inclusive. The
official score is the mean over the types of the F1 over pieces of text; where they stand does not
count. A model scores every span as every type ("GlobalPointer"), so that names may overlap.
"""

from types import MappingProxyType

from wenlu.tasks.spans import SpanExtraction

CLUENER = SpanExtraction(
    name="cluener",
    summary="CLUE: names of ten kinds in news, found in the text",
    labels=(
        *("address", "book", "company", "game", "government"),
        *("movie", "name", "organization", "position", "scene"),
    ),
    names=MappingProxyType(
        {
            "address": "地址",
            "book": "书名",
            "company": "公司",
            "game": "游戏",
            "government": "政府",
            "movie": "电影",
            "name": "姓名",
            "organization": "组织",
            "position": "职位",
            "scene": "景点",
        }
    ),
    main_metric="macro_f1",
    submission_file="cluener_predict.json",
)

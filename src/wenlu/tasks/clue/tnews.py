"""TNEWS: which of 15 sections a short news title belongs to."""

from types import MappingProxyType

from wenlu.tasks.classification import Classification

TNEWS = Classification(
    name="tnews",
    summary="CLUE: section of a short news title, 15 classes",
    text_fields=("sentence",),
    labels=(
        *("100", "101", "102", "103", "104", "106", "107", "108"),
        *("109", "110", "112", "113", "114", "115", "116"),
    ),
    names=MappingProxyType(
        {
            "100": "故事",
            "101": "文化",
            "102": "娱乐",
            "103": "体育",
            "104": "财经",
            "106": "房产",
            "107": "汽车",
            "108": "教育",
            "109": "科技",
            "110": "军事",
            "112": "旅游",
            "113": "国际",
            "114": "股票",
            "115": "农业",
            "116": "电竞",
        }
    ),
    test_files=("test", "test1.0", "test1.1"),
    submission_file="tnews10_predict.json",
)

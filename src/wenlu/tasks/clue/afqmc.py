"""AFQMC: do two questions to a financial service mean the same?"""

from types import MappingProxyType

from wenlu.tasks.classification import Classification

AFQMC = Classification(
    name="afqmc",
    summary="CLUE: do two questions to a financial service mean the same?",
    text_fields=("sentence1", "sentence2"),
    labels=("0", "1"),
    names=MappingProxyType({"0": "不同", "1": "相同"}),
    submission_file="afqmc_predict.json",
)

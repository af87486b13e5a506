"""DuIE 2.0 (LIC2020): relations of 48 predicates, some with several slots in their objects."""

from wenlu.tasks.relations import RelationExtraction

DUIE = RelationExtraction(
    name="duie",
    summary="LIC2020: who made what, where, when: relations of a schema (DuIE 2.0)",
    train_files=("train", "duie_train", "train_data"),
    dev_files=("dev", "duie_dev", "dev_data"),
    test_files=("test", "duie_test2", "duie_test1", "test2_data", "test1_data", "test_unlabeled"),
    submission_file="duie.zip",
)
"""A sentence a row, with an `spo_list`; the schema stands beside the data."""

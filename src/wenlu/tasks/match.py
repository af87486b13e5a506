"""match: the user's own pairs of texts."""

from wenlu.tasks.classification import Classification

MATCH = Classification(
    name="match",
    summary="your own pairs: fields text_a, text_b and label, the label set is read from the data",
    text_fields=("text_a", "text_b"),
    name_field="label_name",
)

"""classify: the user's own texts and labels."""

from wenlu.tasks.classification import Classification

CLASSIFY = Classification(
    name="classify",
    summary="your own texts: fields text and label, the label set is read from the data",
    text_fields=("text",),
    name_field="label_name",
)

"""Questions on texts of one's own, answered with pieces of those texts."""

from wenlu.tasks.reading import Reading

QA = Reading(
    name="qa",
    summary="your own questions on texts: SQuAD's layout, or rows of question, context, answers",
    max_length=384,
)

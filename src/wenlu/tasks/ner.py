"""Named entities in the user's own data, of whatever types it has."""

from wenlu.tasks.spans import SpanExtraction

NER = SpanExtraction(
    name="ner", summary="your own data: entities of your own types, found in texts"
)

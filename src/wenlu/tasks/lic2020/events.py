"""DuEE 1.0, the event extraction of LIC2020: 65 event types, of which arguments are scored.

The schema stands in a file of its own beside the data, one event type a line. What is handed in is
one line a text, {"id", "event_list": [{"event_type", "arguments": [{"role", "argument"}]}]}.
"""

from wenlu.tasks.events import EventExtraction

DUEE = EventExtraction(
    name="duee",
    summary="LIC2020: which events does a text tell of, and who and what takes part? (DuEE 1.0)",
    train_files=("train", "duee_train"),
    dev_files=("dev", "duee_dev"),
    test_files=("test", "test1", "test2", "duee_test", "duee_test1", "duee_test2"),
    submission_file="duee.json",
)

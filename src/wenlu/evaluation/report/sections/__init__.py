"""The sections of the report, one file each: from the facts of a run to a piece of the page."""

__all__: list[str] = []

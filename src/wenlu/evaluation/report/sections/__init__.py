"""The sections of the report, one file each: they turn the facts of a run into HTML."""

__all__: list[str] = []

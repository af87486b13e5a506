"""wenlu (文炉), a furnace for text: from raw Chinese text to a trained, measured, served model."""

from wenlu.version import __version__

__all__ = ["__version__"]

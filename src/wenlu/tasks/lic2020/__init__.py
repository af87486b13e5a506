"""The tasks of LIC2020, the information extraction and reading of a Baidu competition."""

from wenlu.tasks.lic2020.events import DUEE

__all__ = ["DUEE"]

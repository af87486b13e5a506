"""The report of a run: one self-contained page, drawn from the files of its folder."""

from wenlu.evaluation.report.page import write_report

__all__ = ["write_report"]

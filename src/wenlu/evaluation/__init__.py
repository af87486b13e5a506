"""Metrics, calibration and reports, from numbers and files; it never runs a model."""

from wenlu.evaluation.calibration import (
    Bin,
    calibration_error,
    reliability_bins,
    selective_accuracy,
)
from wenlu.evaluation.comparison import Comparison, compare, compare_runs
from wenlu.evaluation.confusions import ConfusedPair, confused_classes, confused_pairs
from wenlu.evaluation.counting import Counted
from wenlu.evaluation.metrics import (
    ClassScore,
    accuracy,
    confusion_matrix,
    macro_f1,
    mean_and_deviation,
    per_class,
    wilson_interval,
)
from wenlu.evaluation.predictions import Prediction
from wenlu.evaluation.report import write_report
from wenlu.evaluation.resampling import bootstrap_interval
from wenlu.evaluation.run_files import RunFiles, read_run
from wenlu.evaluation.terminal import result_table

__all__ = [
    "Bin",
    "ClassScore",
    "Comparison",
    "ConfusedPair",
    "Counted",
    "Prediction",
    "RunFiles",
    "accuracy",
    "bootstrap_interval",
    "calibration_error",
    "compare",
    "compare_runs",
    "confused_classes",
    "confused_pairs",
    "confusion_matrix",
    "macro_f1",
    "mean_and_deviation",
    "per_class",
    "read_run",
    "reliability_bins",
    "result_table",
    "selective_accuracy",
    "wilson_interval",
    "write_report",
]

"""Optimizers, parameter groups and learning-rate schedules."""

from wenlu.optim.accumulating import Accumulating
from wenlu.optim.accumulating_adam import AccumulatingAdam
from wenlu.optim.accumulating_sgd import AccumulatingSGD
from wenlu.optim.adafactor import AdaFactor
from wenlu.optim.averaging import AVERAGINGS, Averaging
from wenlu.optim.groups import freeze, layer_depth, parameter_groups
from wenlu.optim.optimizers import OPTIMIZERS, make_optimizer
from wenlu.optim.scaling import LR_SCALES, lr_scale
from wenlu.optim.schedules import SCHEDULES, factor

__all__ = [
    "AVERAGINGS",
    "LR_SCALES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Accumulating",
    "AccumulatingAdam",
    "AccumulatingSGD",
    "AdaFactor",
    "Averaging",
    "factor",
    "freeze",
    "layer_depth",
    "lr_scale",
    "make_optimizer",
    "parameter_groups",
]

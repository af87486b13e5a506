"""Parameter groups and learning-rate schedules."""

from wenlu.optim.groups import freeze, layer_depth, parameter_groups
from wenlu.optim.schedules import SCHEDULES, factor

__all__ = ["SCHEDULES", "factor", "freeze", "layer_depth", "parameter_groups"]

"""Weights before training.

"Efficient BackProp" gives the rule of `initialise_by_inputs`.
"""

from torch import nn


def initialise(module: nn.Module, std: float) -> None:
    """Weights from a normal cut at two standard deviations, biases zero, norms one."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def initialise_by_inputs(linear: nn.Linear) -> None:
    """What comes out has the variance of what goes in; biases are zero.

    For heads whose scores are products of what they project: with a Transformer's small weights
    such a product is almost zero, and so is the gradient of either factor.
    """
    nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)

"""Shapes that several heads speak of.

Axes: b batch, s position, m model width.
"""

from jaxtyping import Bool, Float
from torch import Tensor

States = Float[Tensor, "b s m"]
"""What an encoder makes of each token."""
RealTokens = Bool[Tensor, "b s"]
"""True where a token is of the text, False where it is padding."""

"""The table that names position parts in configurations."""

from wenlu.nn.parts import Table
from wenlu.nn.position import Learned, NoPosition, PositionPart
from wenlu.nn.relative import Relative
from wenlu.nn.rotary import Rotary

POSITIONS: Table[PositionPart] = Table(
    "position",
    PositionPart,
    {
        "learned": (Learned, "a learned vector for each position, added to the embeddings (BERT)"),
        "none": (NoPosition, "no positions: order goes unseen, but for a causal mask"),
        "rotary": (Rotary, "queries and keys turned by their position (RoFormer)"),
        "relative": (Relative, "fixed sinusoids of the distance in keys and values (NEZHA)"),
    },
)

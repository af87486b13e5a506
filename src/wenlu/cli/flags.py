"""Kinds of flags."""

from typing import Annotated

from cyclopts import Parameter

Switch = Annotated[bool, Parameter(negative=(), show_default=False)]
"""Off unless it is given."""

"""Types of flags."""

from typing import Annotated

from cyclopts import Parameter

Switch = Annotated[bool, Parameter(negative=(), show_default=False)]
"""A flag that is off by default and has no `--no-` form."""

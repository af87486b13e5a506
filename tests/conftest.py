"""Settings for all tests."""

import os

from hypothesis import settings

# Tensors in tests are tiny: a second thread costs more than it brings, in subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("wenlu", deadline=None)
settings.load_profile("wenlu")

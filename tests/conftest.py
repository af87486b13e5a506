"""Settings for all tests."""

import os

# Tensors in tests are tiny: a second thread costs more than it brings, in subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

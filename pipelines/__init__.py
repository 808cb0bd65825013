"""Wherehouse pipelines: sources -> landing -> warehouse -> published. See README.md for the arrow."""

import os

# Matrices are small here: threads of the linear algebra library cost several times what they save.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

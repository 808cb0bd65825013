"""`python -m pipelines.sources.shopify --since 2026-01-31`."""

import sys

from pipelines.sources._vendor import run_alone
from pipelines.sources.shopify import CONNECTOR

sys.exit(run_alone(CONNECTOR))

"""Wherehouse pipelines: sources -> landing -> warehouse -> published. See README.md for the arrow."""

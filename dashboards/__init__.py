"""Screens over the published file. They read nothing else, and import nothing of the pipelines."""

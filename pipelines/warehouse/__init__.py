"""The embedded warehouse: one writer, the DuckDB files, dbt in process, and publishing by file copy.

What does not live here: how batches come to be (`pipelines/landing`), what the models say (`dbt_project`), when a
refresh runs and in which order its steps go (`pipelines/orchestration`).
"""

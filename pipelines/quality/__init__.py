"""Great Expectations suites, in code: on batches as they land, and on what is about to be published.

What lives here: what is expected, how bad it is when it does not hold, and running it on bounded frames. What does not:
tests between models (dbt_project), whole-table rules that fill the quarantine (`pipelines/landing`).
"""

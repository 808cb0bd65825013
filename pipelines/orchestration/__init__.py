"""When and in which order a refresh does its steps, and how Dagster and people see it.

What lives here: all of Dagster, the registry of sources, the refresh itself, its report, its alerts. What does not: how
a source is read, how rows land, what models and checks say.
"""

"""Delay predictions: snapshots that dbt has built go in, delivery dates with their chances come out and stay on record.

The history of everything ever predicted lies outside the warehouse: rebuilding the warehouse cannot lose the proof.
Learning libraries are imported by the functions that need them: a refresh without predictions pays for none.
"""

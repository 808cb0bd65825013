"""Doubles of six vendors' HTTP APIs over one simulated world: what a connector would see of it, and nothing else.

`server.serving` runs them in a thread for tests, `python -m simulator serve` as a process. README.md says what of each
API is documented, checked against recorded payloads, or unverified. Nothing here reads the truth.

Import from the modules: this one stays empty, so that the other commands of the simulator load no server.
"""

"""Errors meant for a person: one sentence that names the setting, file or vendor, and what to do.

WherehouseError
 +-- SettingsError     exit 2  a setting is wrong or a secret is missing
 +-- SourceError       exit 1  a source cannot be read at all
 +-- LockedError       exit 4  another refresh owns the warehouse
 +-- StorageError      exit 5  the data folder cannot be written (permissions, full disk)
 +-- BuildError        exit 6  dbt, a blocking check or publishing failed; nothing was published
"""

from __future__ import annotations


class WherehouseError(Exception):
    """Base of all errors that end a command with one line instead of a traceback."""

    exit_code = 1


class SettingsError(WherehouseError):
    """A setting is missing, unknown or of the wrong kind."""

    exit_code = 2


class SourceError(WherehouseError):
    """A source as a whole cannot be read."""


class LockedError(WherehouseError):
    """Another process is refreshing the same data folder."""

    exit_code = 4


class StorageError(WherehouseError):
    """The data folder refuses a write."""

    exit_code = 5


class BuildError(WherehouseError):
    """The warehouse could not be built, checked or published."""

    exit_code = 6


PUBLISHED = 0
PUBLISHED_WITH_GAPS = 3  # a batch is held or a source is stale

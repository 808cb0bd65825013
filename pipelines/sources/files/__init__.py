"""Files that a 3PL, a carrier or an export delivers. The declared mapping is the connector: it yields entities."""

from pipelines.sources.files.settings import FilesSettings
from pipelines.sources.files.source import FileSource, Found

__all__ = ["FileSource", "FilesSettings", "Found"]

"""What leaves the warehouse for somebody to act on; each thing once. Read from the published file, like any page."""

from pipelines.activation.claims import Exported, export_claims

__all__ = ["Exported", "export_claims"]

"""The settings of `[sources.<name>] type = "aftership"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings


class AfterShipSettings(VendorSettings):
    """AfterShip Tracking."""

    type: Literal["aftership"] = "aftership"
    api_key_env: str = Field("AFTERSHIP_API_KEY", description="environment variable with an API key")
    webhook_secret_env: str = Field("AFTERSHIP_WEBHOOK_SECRET", description="environment variable with its secret")
    base_url: str = Field("https://api.aftership.com", pattern=r"^https?://")
    api_version: str = Field("2026-07", pattern=r"^[0-9]{4}-[0-9]{2}$")
    requests_per_second: int = Field(5, ge=1, description="AfterShip takes about 6 on lists")

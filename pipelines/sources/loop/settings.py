"""The settings of `[sources.<name>] type = "loop"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings


class LoopSettings(VendorSettings):
    """Loop. A question spans 120 days at most, so a pull without `since` begins two years ago."""

    type: Literal["loop"] = "loop"
    api_key_env: str = Field("LOOP_API_KEY", description="environment variable with an API key")
    webhook_secret_env: str = Field("LOOP_WEBHOOK_SECRET", description="environment variable with its secret")
    base_url: str = Field("https://api.loopreturns.com", pattern=r"^https?://")
    requests_per_minute: int = Field(280, ge=1, description="Loop takes about 300")

"""The settings of `[sources.<name>] type = "easypost"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings


class EasyPostSettings(VendorSettings):
    """EasyPost. There is no filter by change, so a pull lists the trackers created within `look_back_hours` again."""

    type: Literal["easypost"] = "easypost"
    api_key_env: str = Field("EASYPOST_API_KEY", description="environment variable with a production API key")
    webhook_secret_env: str = Field("EASYPOST_WEBHOOK_SECRET", description="environment variable with its secret")
    base_url: str = Field("https://api.easypost.com", pattern=r"^https?://")
    look_back_hours: float = Field(45 * 24, ge=0, description="trackers older than this are taken for finished")
    requests_per_second: int = Field(4, ge=1, description="EasyPost takes about 5 on lists")

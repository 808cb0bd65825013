"""The settings of `[sources.<name>] type = "gorgias"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings


class GorgiasSettings(VendorSettings):
    """Gorgias. There is no filter by change: a pull reads those changed last until it meets its look-back."""

    type: Literal["gorgias"] = "gorgias"
    base_url: str = Field(pattern=r"^https?://", description="https://<your domain>.gorgias.com")
    user_env: str = Field("GORGIAS_USER", description="environment variable with the user's e-mail address")
    api_key_env: str = Field("GORGIAS_API_KEY", description="environment variable with the user's API key")
    requests_per_20_seconds: int = Field(36, ge=1, description="Gorgias takes 40 by key")

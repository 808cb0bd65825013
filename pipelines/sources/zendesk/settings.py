"""The settings of `[sources.<name>] type = "zendesk"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings


class ZendeskSettings(VendorSettings):
    """Zendesk. The ids of custom fields are those of Admin > Objects and rules > Tickets > Fields."""

    type: Literal["zendesk"] = "zendesk"
    base_url: str = Field(pattern=r"^https?://", description="https://<your subdomain>.zendesk.com")
    user_env: str = Field("ZENDESK_USER", description="environment variable with the e-mail address of an agent")
    token_env: str = Field("ZENDESK_API_TOKEN", description="environment variable with an API token")
    requests_per_minute: int = Field(10, ge=1, description="Zendesk takes 10 of the export")
    order_id_field: int | None = Field(None, description="custom field with the shop's order id")
    order_number_field: int | None = Field(None, description="custom field with the order's number")
    tracking_number_field: int | None = Field(None, description="custom field with a tracking number")
    score_field: int | None = Field(None, description="custom field with a satisfaction score, where there is one")

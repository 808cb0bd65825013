"""The settings of `[sources.<name>] type = "shopify"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.sources._vendor import VendorSettings

_KEPT = "key of the order attribute that holds "


class ShopifySettings(VendorSettings):
    """Shopify. What a shop keeps with an order beyond Shopify's own fields is read from order attributes, by key."""

    type: Literal["shopify"] = "shopify"
    base_url: str = Field(pattern=r"^https?://", description="https://<your shop>.myshopify.com")
    access_token_env: str = Field("SHOPIFY_ACCESS_TOKEN", description="environment variable with the app's token")
    webhook_secret_env: str = Field("SHOPIFY_WEBHOOK_SECRET", description="environment variable with its secret")
    api_version: str = Field("2026-10", pattern=r"^[0-9]{4}-[0-9]{2}$|^unstable$")
    look_back_hours: float = Field(6, ge=0, description="more than the 4 for which Shopify repeats a webhook")
    fulfillment_events: bool = Field(True, description="false where a tracking service follows the same parcels")
    promised_date_attribute: str | None = Field(None, description=_KEPT + "the date promised at checkout")
    packed_at_attribute: str | None = Field(None, description=_KEPT + "when it was ready for the carrier")
    ship_from_attribute: str | None = Field(None, description=_KEPT + "the warehouse: `name` or `name/region`")
    time_zone_attribute: str | None = Field(None, description=_KEPT + "the time zone of the destination")

"""Signatures over raw webhook bodies, compared in constant time. How a vendor signs is in the vendor's folder."""

from __future__ import annotations

import base64
import hashlib
import hmac


def is_hmac_base64(body: bytes, key: bytes, given: str | None) -> bool:
    """Whether `given` is the base64 of HMAC-SHA-256 of the body."""
    return _is_same(base64.b64encode(hmac.digest(key, body, hashlib.sha256)), given)


def is_hmac_hex(body: bytes, key: bytes, given: str | None) -> bool:
    """Whether `given` is the hexadecimal HMAC-SHA-256 of the body."""
    return _is_same(hmac.digest(key, body, hashlib.sha256).hex().encode(), given)


def _is_same(right: bytes, given: str | None) -> bool:
    return hmac.compare_digest(right, (given or "").encode("utf-8", "replace"))

"""Where regions stand on a map of equal tiles: column and row, roughly as on a map. Others get a ranked list."""

from __future__ import annotations

from typing import Final

_US_ROWS: Final = (
    "AK .. .. .. .. .. .. .. .. .. ME",
    ".. .. .. .. .. .. .. .. .. VT NH",
    "WA ID MT ND MN IL WI MI NY RI MA",
    "OR NV WY SD IA IN OH PA NJ CT ..",
    "CA UT CO NE MO KY WV VA MD DE ..",
    ".. AZ NM KS AR TN NC SC DC .. ..",
    ".. .. .. OK LA MS AL GA .. .. ..",
    "HI .. .. TX .. .. .. .. FL .. ..",
)
US: Final = {
    region: (column, row)
    for row, names in enumerate(_US_ROWS)
    for column, region in enumerate(names.split())
    if region != ".."
}

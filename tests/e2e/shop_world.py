"""A small made-up shop that changes its mind every night: what an incremental build has to survive.

Each night brings new rows and new versions of old ones: orders that move to another zone or are cancelled late,
parcels that change hands, tracking numbers used again, scans that arrive days late or are corrected, tickets that
turn out to be about another order, returns whose sale arrives after them, rows dated in the future. Same seed, same
files.
"""

from __future__ import annotations

import copy
import csv
import itertools
import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).with_suffix(".toml")
FIRST_DAY = date(2026, 1, 5)
STATUS_MAP = """status_code,milestone,incident,carrier
LB,label_created,,
PU,accepted,,
IT,in_transit,,
EX,exception,carrier_delay,
WX,exception,weather_storm,NORTH
OD,out_for_delivery,,
FA,delivery_attempted,recipient_not_home,
DL,delivered,,
RT,returned_to_sender,,
DM,damaged,carrier_damaged,SOUTH
"""
CODES = ("LB", "PU", "IT", "IT", "EX", "WX", "OD", "FA", "DL", "DL", "RT", "DM", "??")
ZONES = ("America/New_York", "America/Los_Angeles", "Europe/London", "")
SUBJECTS = ("Where is my order?", "Box arrived crushed", "I want a refund", "Cancel my order", "Thanks!", "")
REASONS = ("too_small", "damaged", "late", "strange", "")

Row = dict[str, Any]


class ShopWorld:
    """The shop's state, and the folder that its nightly files go to."""

    def __init__(self, folder: Path, seed: int, orders_a_night: int = 40) -> None:
        self.folder = folder
        self.settings = folder / "wherehouse.toml"
        self._random = random.Random(seed)
        self._orders_a_night = orders_a_night
        self._tables: dict[str, dict[str, Row]] = {
            name: {}
            for name in (
                "orders",
                "order_lines",
                "shipments",
                "scans",
                "returns",
                "return_lines",
                "tickets",
                "notices",
                "charges",
                "revisions",
                "claims",
            )
        }
        self._night = -1
        self._serial = itertools.count()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(SETTINGS, self.settings)
        (folder / "status_map.csv").write_text(STATUS_MAP)

    def copy_to(self, folder: Path) -> ShopWorld:
        """The same shop in another folder: from here on the two live apart, and alike as long as both do the same."""
        other = copy.deepcopy(self)
        other.folder = folder
        other.settings = folder / self.settings.name
        shutil.copytree(self.folder, folder)
        return other

    @property
    def as_of(self) -> str:
        """The clock of the night that was written last, as the command line takes it."""
        return f"{FIRST_DAY + timedelta(days=self._night + 1)}T03:30:00Z"

    def next_night(self) -> None:
        """Write one more folder of drops."""
        self._night += 1
        fresh: dict[str, dict[str, Row]] = {name: {} for name in self._tables}
        for _ in range(self._orders_a_night):
            self._new_order(fresh)
        for kind, share in (("scans", 0.03), ("orders", 0.08), ("shipments", 0.08), ("tickets", 0.15), ("returns", 0.1),
                            ("return_lines", 0.1), ("order_lines", 0.03), ("notices", 0.05),
                            ("charges", 0.02), ("claims", 0.2)):  # fmt: skip
            self._edit(kind, share, fresh)
        self._scan_old_parcels(fresh)
        self._bill(fresh)
        self._write(fresh)

    def _moment(self, earliest: float, latest: float) -> datetime:
        """A moment so many days from the start of this night's day, to the second."""
        seconds = int(self._random.uniform(earliest, latest) * 86400)
        return datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=self._night, seconds=seconds)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _any(self, table: str) -> Row | None:
        rows = self._tables[table]
        return self._random.choice(list(rows.values())) if rows else None

    def _new_order(self, fresh: dict[str, dict[str, Row]]) -> None:
        one = self._random
        number = next(self._serial)
        order_id = f"O{number:05}"
        placed = self._moment(-0.2, 1.3)  # a few are dated after this night's clock
        order: Row = {
            "order_id": order_id,
            "order_number": f"#{number}",
            "customer": f"C{one.randrange(25)}",
            "ordered_at": placed,
            "ready_at": placed + timedelta(hours=one.randrange(30)) if self._chance(0.7) else None,
            "cancelled_at": None,
            "is_cancelled": None,
            "origin_node": one.choice(("EWR", "ONT", None)),
            "destination_region": one.choice(("NY", "CA", "TX", None)),
            "destination_time_zone": one.choice(ZONES),
            "promised_date": placed.date() + timedelta(days=one.randrange(8)) if self._chance(0.9) else None,
            "order_amount": one.randrange(1000, 9000) / 100,
        }
        if self._chance(0.9):
            fresh["orders"][order_id] = order
        else:
            self._tables["orders"][order_id] = order  # arrives with an edit, if ever
        for line in range(one.randrange(1, 4)):
            self._new_line(fresh, order, line)
        for _ in range(one.choices((0, 1, 2), (1, 8, 2))[0]):
            self._new_parcel(fresh, order)
        if self._chance(0.25):
            self._new_ticket(fresh, order)
        if self._chance(0.3):
            self._new_return(fresh, order)
        if self._chance(0.1):
            key = f"N{next(self._serial):05}"
            fresh["notices"][key] = {
                "notice_id": key,
                "order_id": order_id,
                "tracking_number": None,
                "sent_at": self._moment(0, 3),
            }

    def _new_line(self, fresh: dict[str, dict[str, Row]], order: Row, line: int) -> None:
        key = f"{order['order_id']}-{line}"
        row = {
            "order_line_id": key,
            "order_id": order["order_id"],
            "customer": order["customer"],
            "ordered_at": order["ordered_at"],
            "sku": f"SKU{self._random.randrange(6)}",
            "quantity": self._random.randrange(1, 5),
            "unit_price": self._random.randrange(100, 2000) / 100,
        }
        (fresh if self._chance(0.9) else self._tables)["order_lines"][key] = row

    def _new_parcel(self, fresh: dict[str, dict[str, Row]], order: Row) -> None:
        one = self._random
        old = self._any("shipments")
        is_reused = old is not None and self._chance(0.06)
        number = old["tracking_number"] if is_reused and old else f"T{one.randrange(10**8):08}"
        shipped = order["ordered_at"] + timedelta(hours=one.randrange(1, 60))
        if is_reused and self._chance(0.7):
            shipped += timedelta(days=70)  # far enough from the first to be another parcel
        carrier = one.choice(("NORTH", "SOUTH", "ups ground"))
        parcel = {
            "order_id": order["order_id"] if self._chance(0.95) else None,
            "carrier": carrier,
            "service": one.choice(("GROUND", "EXPRESS", "2nd Day Air")),
            "tracking_number": number,
            "shipped_at": shipped if self._chance(0.9) else None,
            "committed_date": shipped.date() + timedelta(days=4) if self._chance(0.5) else None,
            "is_cancelled": self._chance(0.04) or None,
            "is_return": self._chance(0.05) or None,
            "replaces": old["tracking_number"] if old and self._chance(0.04) else None,
        }
        key = f"{number}|{carrier}|{parcel['shipped_at']}"
        # of every other parcel the shop says an id of its own, so that its number can be corrected
        parcel["shipment_ref"] = key if int(number[1:]) % 2 else None
        if self._chance(0.9):
            fresh["shipments"][key] = parcel
        else:
            self._tables["shipments"][key] = parcel
        at = shipped
        for _ in range(one.randrange(0, 6)):
            self._new_scan(fresh, parcel, at)
            at += timedelta(hours=one.randrange(1, 50), seconds=one.randrange(60))

    def _new_scan(self, fresh: dict[str, dict[str, Row]], parcel: Row, at: datetime) -> None:
        key = f"S{next(self._serial):06}"
        row = {
            "scan_id": key if self._chance(0.95) else None,
            "carrier": parcel["carrier"],
            "tracking_number": parcel["tracking_number"],
            "occurred_at": at,
            "status_code": self._random.choice(CODES),
            "city": self._random.choice(("Newark", "Reno", None)),
            "known_at": at + timedelta(minutes=self._random.randrange(600)) if self._chance(0.7) else None,
        }
        # late: arrives some other night, with an edit
        (fresh if self._chance(0.85) else self._tables)["scans"][key] = row

    def _new_ticket(self, fresh: dict[str, dict[str, Row]], order: Row) -> None:
        key = f"K{next(self._serial):05}"
        fresh["tickets"][key] = {
            "ticket_id": key,
            "channel": self._random.choice(("email", "chat")),
            "created_at": self._moment(-0.5, 6),
            "subject": self._random.choice(SUBJECTS),
            **self._ticket_reference(order),
        }

    def _ticket_reference(self, order: Row) -> Row:
        parcel = self._any("shipments")
        number = parcel["tracking_number"] if parcel else None
        return self._random.choice(
            [
                {"order_id": order["order_id"], "order_number": None, "tracking_number": None},
                {"order_id": None, "order_number": order["order_number"], "tracking_number": None},
                {"order_id": None, "order_number": None, "tracking_number": number},
                {"order_id": "O99999", "order_number": None, "tracking_number": None},
                {"order_id": None, "order_number": None, "tracking_number": None},
            ]
        )

    def _new_return(self, fresh: dict[str, dict[str, Row]], order: Row) -> None:
        one = self._random
        key = f"R{next(self._serial):05}"
        asked = order["ordered_at"] + timedelta(hours=one.randrange(400))
        knows_order = self._chance(0.5)
        fresh["returns"][key] = {
            "return_id": key,
            "order_id": order["order_id"] if knows_order else None,
            "customer": order["customer"],
            "requested_at": asked,
            "refunded_at": None,
            "refund_amount": None,
        }
        for line in range(one.randrange(1, 3)):
            fresh["return_lines"][f"{key}-{line}"] = {
                "return_line_id": f"{key}-{line}",
                "return_id": key,
                "order_id": order["order_id"] if knows_order and self._chance(0.5) else None,
                "customer": order["customer"],
                "requested_at": asked if self._chance(0.8) else None,
                "sku": f"SKU{one.randrange(6)}",
                "quantity": one.randrange(1, 4),
                "reason_code": one.choice(REASONS),
                "amount": one.randrange(100, 2000) / 100 if self._chance(0.5) else None,
            }

    def _edit(self, table: str, share: float, fresh: dict[str, dict[str, Row]]) -> None:
        for key, row in list(self._tables[table].items()):
            if key not in fresh[table] and self._chance(share):
                fresh[table][key] = {**row, **getattr(self, f"_edited_{table}")(row)}

    def _edited_orders(self, row: Row) -> Row:
        gone = self._moment(-1, 0.5)
        return self._random.choice(
            [
                {"destination_region": "CA", "destination_time_zone": "America/Los_Angeles"},
                {"is_cancelled": True, "cancelled_at": gone},
                {"is_cancelled": True},
                {"is_cancelled": None, "cancelled_at": None},
                {"promised_date": gone.date() + timedelta(days=self._random.randrange(6))},
                {"ordered_at": row["ordered_at"] - timedelta(days=20)},
                {"order_number": f"#{self._random.randrange(900)}"},
                {"customer": f"C{self._random.randrange(25)}"},
                {},
            ]
        )

    def _edited_shipments(self, row: Row) -> Row:
        other = self._any("orders")
        parcel = self._any("shipments")
        number = self._random.choice([f"T{self._random.randrange(10**8):08}", parcel and parcel["tracking_number"]])
        return self._random.choice(
            [
                {"tracking_number": number or row["tracking_number"]},
                {"order_id": other and other["order_id"]},
                {"service": "EXPRESS"},
                {"is_cancelled": True},
                {"is_return": True},
                {},
            ]
        )

    def _edited_scans(self, row: Row) -> Row:
        other = self._any("shipments")
        return self._random.choice(
            [
                {"status_code": self._random.choice(CODES)},
                {"occurred_at": row["occurred_at"] - timedelta(hours=7)},
                {"tracking_number": other["tracking_number"] if other else row["tracking_number"]},
                {"known_at": self._moment(0, 0.2)},
                {},
            ]
        )

    def _edited_tickets(self, row: Row) -> Row:
        other = self._any("orders")
        moved = self._ticket_reference(other) if other else {}
        return self._random.choice(
            [moved, {"created_at": row["created_at"] - timedelta(days=1)}, {"subject": "I want a refund"}, {}]
        )

    def _edited_returns(self, row: Row) -> Row:
        other = self._any("orders")
        return self._random.choice(
            [
                {"refunded_at": self._moment(0, 1), "refund_amount": 12.5},
                {"order_id": other and other["order_id"]},
                {"order_id": None},
                {"requested_at": row["requested_at"] + timedelta(days=2)},
            ]
        )

    def _edited_return_lines(self, row: Row) -> Row:
        other = self._any("order_lines")
        return self._random.choice(
            [
                {"quantity": self._random.randrange(1, 4)},
                {"order_id": other and other["order_id"]},
                {"order_id": None},
                {"sku": "SKU1"},
                {"reason_code": "damaged"},
            ]
        )

    def _edited_order_lines(self, row: Row) -> Row:
        other = self._any("orders")
        return self._random.choice(
            [{"quantity": 5}, {"sku": "SKU2"}, {"order_id": other["order_id"] if other else row["order_id"]}, {}]
        )

    def _edited_notices(self, row: Row) -> Row:
        other = self._any("orders")
        return self._random.choice([{"order_id": other and other["order_id"]}, {"sent_at": self._moment(-2, 1)}])

    def _edited_charges(self, row: Row) -> Row:
        return self._random.choice([{"amount": 3.25}, {"kind": "refund", "amount": -2.0}, {}])

    def _edited_claims(self, row: Row) -> Row:
        return {"status": self._random.choice(("paid", "rejected")), "decided_at": self._moment(0, 1)}

    def _bill(self, fresh: dict[str, dict[str, Row]]) -> None:
        """Charges and claims of parcels that the shop has known for a while, and promises made anew."""
        for parcel in list(self._tables["shipments"].values()):
            number = parcel["tracking_number"]
            if self._chance(0.08):
                key = f"B{next(self._serial):06}"
                fresh["charges"][key] = {
                    "charge_id": key,
                    "carrier": parcel["carrier"],
                    "tracking_number": number,
                    "kind": self._random.choice(("freight", "fuel", "correction")),
                    "amount": self._random.randrange(100, 3000) / 100,
                    "billed_at": self._moment(-1, 1),
                }
            if self._chance(0.02):
                key = f"X{next(self._serial):06}"
                fresh["claims"][key] = {
                    "claim_id": key,
                    "tracking_number": number,
                    "filed_at": self._moment(-1, 1),
                    "status": "filed",
                    "decided_at": None,
                }
        for order in list(self._tables["orders"].values()):
            if order["promised_date"] and self._chance(0.02):
                key = f"{order['order_id']}|{next(self._serial)}"
                fresh["revisions"][key] = {
                    "order_id": order["order_id"],
                    "changed_at": self._moment(-1, 1),
                    "promised_date": order["promised_date"] + timedelta(days=2),
                }

    def _scan_old_parcels(self, fresh: dict[str, dict[str, Row]]) -> None:
        for parcel in list(self._tables["shipments"].values()):
            if self._chance(0.04):
                self._new_scan(fresh, parcel, self._moment(-3, 1.5))

    def _write(self, fresh: dict[str, dict[str, Row]]) -> None:
        folder = self.folder / "drops" / f"night-{self._night}"
        folder.mkdir(parents=True)
        for name, rows in fresh.items():
            self._tables[name] |= rows
            if rows:
                lines = list(rows.values())
                self._random.shuffle(lines)
                with (folder / f"{name}.csv").open("w", newline="") as file:
                    writer = csv.DictWriter(file, list(lines[0]))
                    writer.writeheader()
                    writer.writerows(lines)

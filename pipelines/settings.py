"""Settings: one TOML file, secrets from the environment. Reading it touches no other file and no network.

`[sources.<name>]` tables stay opaque here: each vendor folder owns the model of its own settings, and
`pipelines.orchestration.registry` joins them by their `type`.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pipelines.domain.errors import SettingsError

_ENV_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
DEFAULT_FILE: Final = "wherehouse.toml"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone such as 'Europe/London'") from error
    return name


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs an offset, for example 2026-01-31T04:00:00Z")
    return moment.astimezone(UTC)


TimeZone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[datetime, AfterValidator(_utc)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Thresholds(_Table):
    """Limits of design metrics; every one is shown beside the figure it shapes."""

    suppress_under: int = Field(30, ge=1, description="rates over fewer due parcels are not shown")
    grey_under: int = Field(100, ge=1, description="rates over fewer due parcels are shown in grey")
    stalled_hours: int = Field(48, ge=1, description="silence after which a moving parcel counts as stalled")
    known_before_hours: int = Field(4, ge=0, description="avoidable: we knew at least so long before the contact")
    presumed_lost_days: int = Field(30, ge=10, description="silence after which any open parcel is presumed lost")
    lost_after_days: int = Field(10, ge=1, description="no parcel is presumed lost before so much silence")
    handling_days: int = Field(
        1, ge=0, description="working days that a promise allows from the order to the hand-over"
    )
    order_cutoff_hour: int = Field(
        14, ge=0, le=24, description="local hour at the origin: later orders count for tomorrow"
    )
    closed_after_days: int = Field(35, ge=7, description="age at which a week's figures should no longer move")
    quarantine_rate: Share = Field(0.05, description="a batch with a greater share of rejected rows is held")
    return_window_days: int = Field(30, ge=1, description="an order cohort is mature once its window has closed")
    refund_promised_days: int = Field(14, ge=0, description="days from receipt within which a refund is promised")


class Costs(_Table):
    """Costs that pages multiply with, in the reporting currency."""

    per_contact: float = Field(6.0, ge=0)
    notice_deflection: Share = Field(
        0.3, description="assumed share of avoidable contacts that a notice in time spares; no measurement"
    )


class Privacy(_Table):
    """Personal data: where the keys are and how long the vault keeps text."""

    key_file: str = Field("", description="default: <data_dir>/secrets/keys.json, created with mode 0600")
    postal_prefix_length: int = Field(3, ge=1, le=6)
    vault_retention_days: int = Field(90, ge=1)


class Alerts(_Table):
    """Where a failed or late refresh is announced. Secrets are names of environment variables."""

    webhook_url_env: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user_env: str = ""
    smtp_password_env: str = ""
    mail_from: str = ""
    mail_to: list[str] = Field(default_factory=list)


class Schedule(_Table):
    """When the nightly refresh starts and by when it should be published (local to time_zone)."""

    cron: str = "0 4 * * *"
    publish_by: str = Field("06:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class Warehouse(_Table):
    """Limits of the embedded engine."""

    memory_limit: str = Field("4GB", pattern=r"^[0-9]+(\.[0-9]+)?\s?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$")
    threads: int = Field(0, ge=0, description="0: as many as there are cores")
    keep_published: int = Field(3, ge=1)


class Webhooks(_Table):
    """Where `wherehouse listen` waits for what vendors push. Secrets are those of the sources."""

    host: str = Field("127.0.0.1", description="a proxy that speaks TLS stands before it")
    port: int = Field(8710, ge=0, le=65535, description="0: a free one")
    land_seconds: float = Field(5.0, gt=0, description="how often what came in lands")
    body_mb: float = Field(2.0, gt=0, description="of one delivery; larger ones are refused (413)")
    spool_mb: float = Field(1024.0, gt=0, description="not landed yet; beyond it senders are asked to come again (429)")


class Predictions(_Table):
    """Delay predictions: whether there are any, how often models are trained, and what training may use."""

    enabled: bool = Field(False, description="off: no snapshot is built, nothing is scored, no outlook is published")
    cron: str = Field("30 1 * * 0", description="when models are trained (local to time_zone)")
    training_days: int = Field(365, ge=14, description="lives that began longer ago are not learned from")
    most_snapshots: int = Field(250_000, ge=1_000, description="sampled moments of each kind at most")
    memory_limit_mb: int = Field(4096, ge=512, description="of the process that trains")
    false_alarms_per_quarter: float = Field(1.0, gt=0, description="early warnings a quiet quarter may raise by chance")


class Settings(_Table):
    """Everything a refresh needs to know. Paths are absolute once loaded."""

    shop: str = Field("shop", pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    data_dir: Path = Path("data")
    as_of: Moment | None = None
    time_zone: TimeZone = "UTC"
    reporting_currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    thresholds: Thresholds = Field(default_factory=Thresholds)
    costs: Costs = Field(default_factory=Costs)
    privacy: Privacy = Field(default_factory=Privacy)
    alerts: Alerts = Field(default_factory=Alerts)
    schedule: Schedule = Field(default_factory=Schedule)
    warehouse: Warehouse = Field(default_factory=Warehouse)
    webhooks: Webhooks = Field(default_factory=Webhooks)
    predictions: Predictions = Field(default_factory=Predictions)
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    file: Path = Field(Path(DEFAULT_FILE), exclude=True)

    @property
    def key_file(self) -> Path:
        """Absolute path of the key file."""
        if self.privacy.key_file:
            return (self.file.parent / self.privacy.key_file).resolve()
        return self.data_dir / "secrets" / "keys.json"


def load(
    path: Path,
    *,
    data_dir: Path | None = None,
    as_of: datetime | None = None,
    environ: dict[str, str] | None = None,
) -> Settings:
    """Read and validate a settings file.

    `data_dir` and `as_of` (timezone-aware) override the file. `${NAME}` in any string is replaced from the
    environment; `${NAME:-text}` is the text where the variable is not set. Relative paths are relative to the settings
    file's folder.

    Raises SettingsError naming the file and the key.
    """
    raw = _read(path)
    unset: list[str] = []
    values = _expand(raw, dict(os.environ) if environ is None else environ, unset, "")
    if unset:
        raise SettingsError(f"{path}: {unset[0]}")
    if data_dir is not None:
        values["data_dir"] = str(data_dir.expanduser().resolve())
    if as_of is not None:
        values["as_of"] = as_of
    for name in values.get("sources", {}):
        if not _NAME.match(name):
            raise SettingsError(f"{path}: [sources.{name}]: a source's name is lower case letters, digits and _")
    try:
        settings = Settings.model_validate({**values, "file": path.resolve()})
    except ValidationError as error:
        raise SettingsError(explain(path, error)) from None
    base = path.resolve().parent
    return settings.model_copy(update={"data_dir": (base / settings.data_dir.expanduser()).resolve()})


def explain(path: Path, error: ValidationError, prefix: str = "") -> str:
    """The first problem of a validation error as one sentence: file, key, what is wrong."""
    problem = error.errors()[0]
    key = ".".join([*([prefix] if prefix else []), *(str(part) for part in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown setting {key!r}; see README.md for the list"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path}: setting {key!r}: {message} (got {problem.get('input')!r})"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such settings file; copy examples/files.toml and edit it") from None
    except IsADirectoryError:
        raise SettingsError(f"{path}: is a folder, a settings file is needed") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from None


def _expand(value: Any, environ: dict[str, str], unset: list[str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _expand(item, environ, unset, f"{where}.{key}" if where else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, environ, unset, f"{where}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        if name not in environ and otherwise is not None:
            return str(otherwise)
        if name not in environ:
            unset.append(f"setting {where!r} needs the environment variable {name}, which is not set")
            return ""
        return environ[name]

    return _ENV_REFERENCE.sub(replace, value)

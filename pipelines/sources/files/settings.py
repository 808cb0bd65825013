"""The settings of `[sources.<name>] type = "files"`: which files there are and what their columns mean.

What lives here: the model, and its validation with errors that name file and key. What does not: looking at any file.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipelines.domain.entities import DATE, ENTITIES, FLAG, MONEY, REAL, TIME, Entity, Kind
from pipelines.domain.entities import Field as EntityField
from pipelines.domain.errors import SettingsError

_ENCODINGS: Final = {"iso8859-1": "latin-1", "utf-8-sig": "utf-8", "ascii": "utf-8"}
TIME_UNITS: Final = ("s", "ms")
MONEY_UNITS: Final = ("cents",)
WEIGHT_UNITS: Final = ("g", "kg", "oz", "lb")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone such as 'Europe/London'") from error
    return name


def _encoding(name: str) -> str:
    try:
        known = codecs.lookup(name).name
        "".encode(known)
    except LookupError:
        raise ValueError(f"{name!r} is not an encoding; such as utf-8, latin-1, cp1252, utf-16, shift_jis") from None
    return _ENCODINGS.get(known, known)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (dict, str)) else value


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


TimeZone = Annotated[str, AfterValidator(_zone)]
Encoding = Annotated[str, AfterValidator(_encoding)]
OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnSettings(_Table):
    """Where one field comes from, and how its text is to be understood."""

    column: str | None = Field(None, min_length=1)
    sql: str | None = Field(None, min_length=1)
    value: str | int | float | bool | None = None
    format: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    time_zone: TimeZone | None = None
    unit: Literal["s", "ms", "cents", "g", "kg", "oz", "lb"] | None = None
    decimal_comma: bool = False
    true_values: list[str] = Field(default_factory=list)
    false_values: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnSettings:
        given = [name for name in ("column", "sql", "value") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of column, sql and value, has {' and '.join(given) or 'none'}")
        return self


class MappingSettings(_Table):
    """How the records of a file become one entity."""

    columns: dict[str, Annotated[ColumnSettings, BeforeValidator(_column)]]
    key: list[str] = Field(default_factory=list)
    when: str | None = Field(None, min_length=1)
    once_per: list[str] = Field(default_factory=list)
    label: str | None = Field(None, pattern=r"^[a-z0-9_]+$")


class LookupSettings(_Table):
    """A small reference file joined to the records."""

    path: str
    on: dict[str, str] = Field(min_length=1)
    columns: list[str] = Field(min_length=1)
    prefix: str = Field("", alias="as")
    where: str | None = Field(None, min_length=1)


class FileSettings(_Table):
    """One pattern of files that look alike."""

    path: str = Field(min_length=1)
    format: Literal["csv", "jsonl", "parquet"] | None = None
    mode: Literal["append", "snapshot"] = "append"
    delimiter: OneCharacter | None = None
    quote: OneCharacter = '"'
    encoding: Encoding = "utf-8"
    header: bool = True
    names: list[str] = Field(default_factory=list, description="column names of a file without a header line")
    null_values: list[str] = Field(default_factory=list)
    skip_lines: int = Field(0, ge=0)
    time_zone: TimeZone | None = None
    lookups: list[LookupSettings] = Field(default_factory=list)
    entities: dict[str, Annotated[list[MappingSettings], BeforeValidator(_listed)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _header_or_names(self) -> FileSettings:
        if not self.header and not self.names:
            raise ValueError("header = false needs names = [...], the columns in their order")
        return self


class FilesSettings(_Table):
    """A whole source of files."""

    type: Literal["files"]
    time_zone: TimeZone = "UTC"
    latency_minutes: int = Field(0, ge=0)
    policy_hours: float | None = Field(None, gt=0, description="silence after which the source is stale")
    status_map: str | None = None
    reason_map: str | None = None
    files: list[FileSettings] = Field(min_length=1)


def parse(name: str, table: dict[str, Any], settings_file: Path) -> FilesSettings:
    """Validate the opaque table `[sources.<name>]`. Raises SettingsError naming the file and the key."""
    prefix = f"sources.{name}"
    try:
        settings = FilesSettings.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        key = prefix + _key(problem["loc"], table)
        if problem["type"] == "extra_forbidden":
            raise SettingsError(f"{settings_file}: unknown setting {key!r}") from None
        message = problem["msg"].removeprefix("Value error, ")
        given = "" if isinstance(problem.get("input"), (dict, list)) else f" (got {problem.get('input')!r})"
        raise SettingsError(f"{settings_file}: setting {key!r}: {message}{given}") from None
    for number, files in enumerate(settings.files):
        for entity, mappings in files.entities.items():
            where = f"{prefix}.files[{number}].entities.{entity}"
            single = isinstance(table["files"][number]["entities"][entity], dict)
            for index, mapping in enumerate(mappings):
                key, problem_text = _problem(entity, mapping)
                if problem_text:
                    place = where if single else f"{where}[{index}]"
                    raise SettingsError(f"{settings_file}: setting {place + key!r}: {problem_text}")
            labels = labels_of(mappings)
            if len(set(labels)) < len(labels):
                raise SettingsError(f"{settings_file}: setting {where!r}: two mappings have the same label")
    return settings


def labels_of(mappings: list[MappingSettings]) -> list[str]:
    """What tells the mappings of one entity apart: their label, or their place where there are several."""
    if len(mappings) == 1:
        return [mappings[0].label or ""]
    return [mapping.label or str(index + 1) for index, mapping in enumerate(mappings)]


def _key(loc: tuple[int | str, ...], table: dict[str, Any]) -> str:
    """`files[0].entities.orders.columns.ordered_at`: without the index that making lists of single tables adds."""
    text = ""
    value: Any = table
    for part in loc:
        if isinstance(part, int) and not isinstance(value, list):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    return text


def _problem(entity_name: str, mapping: MappingSettings) -> tuple[str, str]:
    """The first thing in a mapping that no entity knows: (key below the mapping, sentence), or two empty strings."""
    entity = ENTITIES.get(entity_name)
    if entity is None:
        return "", f"there is no such entity; one of {', '.join(sorted(ENTITIES))}"
    known = {field.name for field in entity.fields}
    for name, column in mapping.columns.items():
        if name not in known:
            fields = ", ".join(field.name for field in entity.fields)
            return f".columns.{name}", f"{entity_name} has no such field; one of {fields}"
        text = _field_problem(entity.field(name), column)
        if text:
            return f".columns.{name}", text
    return _whole_problem(entity, mapping)


def _whole_problem(entity: Entity, mapping: MappingSettings) -> tuple[str, str]:
    absent = [field.name for field in entity.fields if field.required and field.name not in mapping.columns]
    if absent:
        return ".columns", f"{entity.name} cannot do without {' and '.join(absent)}"
    for name in mapping.key:
        if name not in mapping.columns or entity.field(name).kind is Kind.TEXT:
            return ".key", f"{name!r} is not a field that this mapping fills; a key names fields such as {entity.key}"
    return "", ""


def _field_problem(field: EntityField, column: ColumnSettings) -> str:
    allowed = {TIME: TIME_UNITS, MONEY: MONEY_UNITS}.get(field.type, ())
    if field.name == "weight_grams":
        allowed = WEIGHT_UNITS
    if column.unit is not None and column.unit not in allowed:
        return f"unit = {column.unit!r} does not fit; {'one of ' + ', '.join(allowed) if allowed else 'it has no unit'}"
    if column.value is not None and (column.format or column.unit or column.decimal_comma):
        return "a constant value takes no format, unit or decimal_comma"
    misplaced = {
        "format": bool(column.format) and field.type not in (TIME, DATE),
        "time_zone": column.time_zone is not None and field.type not in (TIME, DATE),
        "decimal_comma": column.decimal_comma and field.type not in (MONEY, REAL),
        "true_values": bool(column.true_values) and field.type != FLAG,
        "false_values": bool(column.false_values) and field.type != FLAG,
    }
    wrong = next((name for name, is_wrong in misplaced.items() if is_wrong), None)
    return f"{wrong} does not apply to {field.name}, which is {field.type}" if wrong else ""

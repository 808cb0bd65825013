"""The SQL between the records of a file and the rows that land: values, what makes a row acceptable, reasons.

Nothing is executed here. Relations are layered: records -> values (`v:<field>`, `p:<field>`: whether the record holds
anything for it) -> landed columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pipelines.domain.drops import Column, EntityPlan
from pipelines.domain.entities import DATE, ENTITIES, TIME, Entity, Field, Kind
from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing import tokens, topics

# A time outside is a placeholder (0001-01-01, 1970-01-01, 9999-12-31) or a slipped digit, not a time.
_EARLIEST: Final = "1980-01-01"
_LATEST: Final = "2199-12-31"
BLANK: Final = "_blank"  # true: the record has nothing in any mapped column
DECISIONS: Final = "decisions"  # temporary table: text_key, decision (see foresight)
SUPPRESSED: Final = "wherehouse_suppressed"  # variable: tokens of erased persons, which may not come back

# Numbers in a ticket's text, by column: no form that a phone's or a card's number could have.
REFERENCES: Final = {
    "order_number": r"(#[0-9]{4,12})\b",
    "tracking_number": r"\b(1Z[0-9A-Z]{16,20}|9[0-9]{21}|6[01][0-9]{13}|JD[0-9]{16,18}|[A-Z]{2}[0-9]{9}[A-Z]{2}"
    r"|[A-Z][0-9]{14})\b",
}
REFERENCE_CHARACTERS: Final = 2000


@dataclass(frozen=True, slots=True)
class Constants:
    """What is the same for every row of a batch."""

    shop: str
    source: str
    postal_prefix_length: int
    has_suppressed: bool = False


class Rows:
    """The SQL of one entity of one file."""

    def __init__(
        self,
        plan: EntityPlan,
        constants: Constants,
        blank_columns: tuple[str, ...] = (),
        *,
        has_decisions: bool = False,
    ) -> None:
        """`blank_columns` are those of JSON; `has_decisions`: the topics of all texts stand in a table already."""
        self.plan = plan
        self._has_decisions = has_decisions
        self.entity: Entity = plan.definition or ENTITIES[plan.entity]
        self._constants = constants
        self._columns = {column.field: column for column in plan.columns}
        self._blank_columns = blank_columns

    @cached_property
    def fields(self) -> list[Field]:
        """Mapped fields, in the entity's order."""
        return [field for field in self.entity.fields if field.name in self._columns]

    @cached_property
    def texts(self) -> list[Field]:
        """Mapped free-text fields: they go to the vault."""
        return [field for field in self.fields if field.kind is Kind.TEXT]

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Landed columns of the declared key, else of the entity's."""
        declared = [self.entity.field(name).column or name for name in self.plan.key]
        return tuple(declared) or self.entity.key

    def values(self, relation: str) -> str:
        """SELECT of the values of all applicable records of a relation."""
        parts = []
        for field in self.fields:
            column = self._columns[field.name]
            parts.append(f"{column.value_sql} AS {_v(field)}")
            if column.present_sql is not None:
                parts.append(f"{column.present_sql} AS {_p(field)}")
        if self._blank_columns:
            parts.append(f"{self._blank} AS {BLANK}")
        where = self.applicable(relation)
        return f"SELECT {', '.join(parts)}, _row FROM {relation}{' WHERE ' + where if where else ''}"  # noqa: S608

    def accepted(self, relation: str, seq: int) -> str:
        """SELECT of the rows to land.

        The optimiser would push the condition below the values and so compute each of them twice; it cannot push it
        below a window. (With nothing to parse there is nothing to compute twice, and a window costs parallelism.)
        """
        values, condition = self.values(relation), self.acceptable
        if any(column.present_sql is not None for column in self.plan.columns):
            values = f"SELECT *, row_number() OVER () AS _barrier FROM ({values})"  # noqa: S608
            condition += " AND _barrier > 0"
        if not self.entity.derived:
            return f"SELECT {self.landed(seq)} FROM ({values}) WHERE {condition}"  # noqa: S608
        kept = f"SELECT * FROM ({values}) WHERE {condition}"  # noqa: S608
        if self._has_decisions:
            decision = f"coalesce(d.decision, error('a text has no decision')) AS {topics.DECISION}"
            key = text_key(*self._ticket_texts())
            kept = f"SELECT r.*, {decision} FROM ({kept}) r LEFT JOIN {DECISIONS} d ON d.text_key = {key}"  # noqa: S608
        else:
            kept = topics.with_decision(kept, *self._ticket_texts())
        derived = topics.split_sql() | self._references()
        return f"SELECT {self.landed(seq, derived)} FROM ({kept})"  # noqa: S608

    def _references(self) -> dict[str, str]:
        """Numbers of a ticket, taken from its text where its own columns do not tell."""
        subject, body, _ = self._ticket_texts()
        text = f"left(concat_ws(' ', {subject}, {body}), {REFERENCE_CHARACTERS})"
        fields = {field.column: field for field in self.entity.fields}
        return {
            name: f"coalesce({self._landed_field(fields[name])}, nullif(regexp_extract({text}, '{pattern}', 1), ''))"
            for name, pattern in REFERENCES.items()
            if name in fields
        }

    def text_select(self, relation: str) -> str:
        """SELECT of subject, body and tags of all records."""
        subject, body, tags = self._ticket_texts()
        return f"SELECT {subject} AS subject, {body} AS body, {tags} AS tags FROM ({self.values(relation)})"  # noqa: S608

    def applicable(self, relation: str) -> str:
        """Condition on a record to belong to this entity at all; empty where every record does.

        A record of nulls, which may be a malformed line, belongs to every entity, to be rejected there.
        """
        conditions = [f"({self.plan.when_sql}\n)"] if self.plan.when_sql else []
        if self.plan.once_per_sql:
            where = f" WHERE {conditions[0]}" if conditions else ""
            group = ", ".join(self.plan.once_per_sql)
            conditions.append(f"_row IN (SELECT min(_row) FROM {relation}{where} GROUP BY {group})")  # noqa: S608
        both = " AND ".join(conditions)
        return f"({both} OR {self._blank})" if both and self._blank_columns else both

    @cached_property
    def _blank(self) -> str:
        return "(" + " AND ".join(f"{quote_identifier(name)} IS NULL" for name in self._blank_columns) + ")"

    @cached_property
    def acceptable(self) -> str:
        """Condition on values to land."""
        conditions = [test for field in self.fields if (test := self._test(field, self._columns[field.name]))]
        if self._blank_columns and not self._is_blank_rejected:
            conditions.append(f"{BLANK} IS FALSE")
        return " AND ".join(conditions) or "TRUE"

    @cached_property
    def reasons(self) -> str:
        """List of all that is wrong with a row's values."""
        cases = [case for field in self.fields if (case := self._reason(field, self._columns[field.name]))]
        if self._blank_columns and not self._is_blank_rejected:
            cases.append(f"CASE WHEN {BLANK} THEN 'record: nothing in any mapped column' END")
        return f"list_filter([{', '.join(cases)}], lambda reason: reason IS NOT NULL)"

    def landed(self, seq: int, derived: Mapping[str, str] | None = None) -> str:
        """The landed columns, with exactly the entity's types, as a select list over values.

        Derived columns are null unless their SQL is given: a rejected ticket needs no topic.
        """
        own = {field.column: self._landed_field(field) for field in self.entity.fields if field.column is not None}
        own |= {name: "NULL" for name, _ in self.entity.derived} | dict(derived or {})
        own |= {
            "shop": quote_literal(self._constants.shop),
            "source": quote_literal(self._constants.source),
            "_seq": str(seq),
            "_row": "_row",
            "_deleted": "FALSE",
        }
        types = self.entity.columns
        return ", ".join(f"CAST({own[name]} AS {type_}) AS {quote_identifier(name)}" for name, type_ in types.items())

    def vault_select(self) -> str:
        """record key, customer token, then each text, as a select list over values; suppressed persons come last."""
        fields = {field.column: field for field in self.entity.fields}
        parts = [
            f"coalesce(CAST({self._landed_field(fields[name])} AS VARCHAR), '')" if name in fields else "''"
            for name in self.entity.key
        ]
        key = " || '|' || ".join(parts)
        customer = self._customer or "NULL"
        texts = "".join(f", CAST({_v(field)} AS VARCHAR)" for field in self.texts)
        return f"{key}, {customer}{texts}"

    def vault_condition(self) -> str:
        """Condition on values to have text worth keeping, of nobody who was erased."""
        any_text = " OR ".join(f"{_v(field)} IS NOT NULL" for field in self.texts)
        if not self._constants.has_suppressed:
            return f"({any_text})"
        people = [self._raw_token(field) for field in self.fields if field.kind is Kind.TOKEN]
        erased = "".join(f" AND list_contains(getvariable('{SUPPRESSED}'), {one}) IS NOT TRUE" for one in people)
        return f"({any_text}){erased}"

    @cached_property
    def _is_blank_rejected(self) -> bool:
        """Whether a record of nulls fails anyway, for want of a required value taken straight from a column."""
        return any(field.required and self._columns[field.name].origin in self._blank_columns for field in self.fields)

    def _test(self, field: Field, column: Column) -> str:
        value, is_present = _v(field), f"{_p(field)} IS NOT TRUE"
        plausible = _plausible(field)
        if field.required:
            return plausible or f"{value} IS NOT NULL"
        if column.present_sql is None:
            return f"({plausible} OR {value} IS NULL)" if plausible else ""
        return f"({plausible or f'{value} IS NOT NULL'} OR {is_present})"

    def _reason(self, field: Field, column: Column) -> str:
        value, arms = _v(field), ""
        if column.present_sql is not None:
            arms += f" WHEN {value} IS NULL AND {_p(field)} THEN {quote_literal(f'{field.name}: {column.problem}')}"
        if field.required:
            arms += f" WHEN {value} IS NULL THEN {quote_literal(f'{field.name}: missing')}"
        if plausible := _plausible(field):
            text = f"{field.name}: before {_EARLIEST[:4]} or after {_LATEST[:4]}"
            arms += f" WHEN NOT {plausible} THEN {quote_literal(text)}"
        return f"CASE{arms} END" if arms else ""

    def _landed_field(self, field: Field) -> str:
        if field.name not in self._columns:
            return "NULL"
        match field.kind:
            case Kind.TOKEN:
                return self._token(field.name) or "NULL"
            case Kind.POSTCODE:
                return tokens.prefix_sql(_v(field), self._constants.postal_prefix_length)
            case Kind.PLACE:  # words with a digit are postcodes, or numbers of houses
                return f"nullif(trim(regexp_replace({_v(field)}, '[ ,]*[^ ,]*[0-9][^ ,]*', '', 'g')), '')"
            case _:
                return _v(field)

    @property
    def _customer(self) -> str | None:
        """The token by which a person's text is found again."""
        kinds = {field.token or field.name: field.name for field in self.fields if field.kind is Kind.TOKEN}
        found = [token for kind in ("customer", "email") if kind in kinds and (token := self._token(kinds[kind]))]
        return f"coalesce({', '.join(found)})" if found else None

    def _token(self, name: str) -> str | None:
        field = next((one for one in self.fields if one.name == name), None)
        if field is None:
            return None
        token = self._raw_token(field)
        if not self._constants.has_suppressed:
            return token
        return f"CASE WHEN list_contains(getvariable('{SUPPRESSED}'), {token}) THEN NULL ELSE {token} END"

    @staticmethod
    def _raw_token(field: Field) -> str:
        return tokens.token_sql(_v(field), field.token or field.name)

    def _ticket_texts(self) -> tuple[str, str, str]:
        """SQL of subject, body and tags over values."""
        subject, body, tags = (
            _v(self.entity.field(name)) if name in self._columns else "CAST(NULL AS VARCHAR)"
            for name in self.entity.texts
        )
        return subject, body, tags


def text_key(subject: str, body: str, tags: str) -> str:
    """SQL of what stands for a text: its hash."""
    return f"md5(coalesce({subject}, '') || chr(31) || coalesce({body}, '') || chr(31) || coalesce({tags}, ''))"


def _plausible(field: Field) -> str:
    if field.type == DATE:
        return f"({_v(field)} BETWEEN DATE '{_EARLIEST}' AND DATE '{_LATEST}')"
    if field.type == TIME:
        return f"({_v(field)} BETWEEN TIMESTAMP '{_EARLIEST}' AND TIMESTAMP '{_LATEST}')"
    return ""


def _v(field: Field) -> str:
    return quote_identifier(f"v:{field.name}")


def _p(field: Field) -> str:
    return quote_identifier(f"p:{field.name}")

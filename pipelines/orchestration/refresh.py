"""One refresh of one data folder, step by step: land, check, build, check, publish. Dagster calls the steps in order.

What lives here: what each step does and when it may be left out. What does not: how Dagster shows it (`assets.py`),
what the ops tables say (`bookkeeping.py`), what people read at the end (`summary.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from pipelines.domain.entities import ENTITIES, Entity
from pipelines.domain.errors import PUBLISHED, PUBLISHED_WITH_GAPS, BuildError, SourceError, StorageError
from pipelines.landing import Batch as LandedBatch
from pipelines.landing import Landing, Outcome, keys, write_canonical
from pipelines.landing.manifest import Manifest
from pipelines.landing.outcomes import HELD
from pipelines.orchestration.history import History
from pipelines.orchestration.intake import Intake, take
from pipelines.orchestration.registry import Source, vendor_entities
from pipelines.orchestration.window import Window
from pipelines.quality.expectations import Finding, sentence
from pipelines.quality.landed import Arrival, check_landed
from pipelines.quality.predicted import check_predicted
from pipelines.quality.published import check_aggregates, check_step
from pipelines.settings import Settings
from pipelines.warehouse import build as building
from pipelines.warehouse import control
from pipelines.warehouse.build import BuildResult
from pipelines.warehouse.connection import Engine
from pipelines.warehouse.lock import writer_lock
from pipelines.warehouse.plan import Batch, BuildInput, BuildPlan, model_settings
from pipelines.warehouse.project import project_dir, source_hashes
from pipelines.warehouse.publish import current_file


@dataclass(frozen=True, slots=True)
class Built:
    """What the build step did: the plan, dbt's results, and the findings on what it made."""

    plan: BuildPlan
    given: BuildInput
    result: BuildResult
    findings: tuple[Finding, ...] = ()


@dataclass
class Refresh:
    """The state of one refresh. Not reusable; the writer lock is held as long as it is open (`open_refresh`)."""

    run_id: str
    settings: Settings
    sources: tuple[Source, ...]
    full: bool = False
    window: Window = field(default_factory=Window)
    progress: Callable[[str], None] = lambda line: None
    intakes: dict[str, Intake] = field(default_factory=dict)
    landed_findings: dict[tuple[str, str], tuple[Finding, ...]] = field(default_factory=dict)
    built: Built | None = None
    predicted_findings: tuple[Finding, ...] = ()
    is_published: bool = False
    restated: int = 0  # counts of closed weeks that changed
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: float = field(default_factory=time.perf_counter)

    @cached_property
    def as_of(self) -> datetime:
        """The clock of this refresh."""
        return self.settings.as_of or self.started_at.replace(microsecond=0)

    @cached_property
    def engine(self) -> Engine:
        """Where the warehouse is."""
        limits = self.settings.warehouse
        return Engine(self.settings.data_dir, limits.memory_limit, limits.threads)

    @cached_property
    def landing(self) -> Landing:
        """The landing of the data folder, opened when first needed. Raises StorageError, SettingsError."""
        settings = self.settings
        return Landing(
            settings.data_dir,
            keys.load_or_create(settings.key_file),
            shop=settings.shop,
            quarantine_rate=settings.thresholds.quarantine_rate,
            postal_prefix_length=settings.privacy.postal_prefix_length,
            memory_limit=settings.warehouse.memory_limit,
            threads=settings.warehouse.threads,
        )

    @cached_property
    def history(self) -> History:
        """What the refreshes before have left."""
        return History.of(self.engine)

    @property
    def wall_seconds(self) -> float:
        """Since the refresh was opened."""
        return time.perf_counter() - self._started

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is missing, one sentence each: held batches, failed files, sources out of reach or silent."""
        held = [f"batch {batch.batch_id} is held ({batch.file})" for batch in self.landing.manifest.held()]
        failed = [one.message for intake in self.intakes.values() for one in intake.outcomes if _is_failed(one)]
        problems = [intake.problem for intake in self.intakes.values() if intake.problem]
        return tuple(dict.fromkeys([*held, *failed, *problems, *self.silent]))

    @property
    def silent(self) -> tuple[str, ...]:
        """The sources whose newest record is older than their policy allows, one sentence each."""
        return tuple(
            f"{source.name}: no record of the last {source.policy_hours:g} hours (sources.{source.name}.policy_hours)"
            for source in self.sources
            if self.is_silent(source)
        )

    def is_silent(self, source: Source) -> bool:
        """Whether the newest record of a source is older than its policy allows. One quiet entity is not enough."""
        if source.policy_hours is None:
            return False
        known = (newest_record(self.landing.manifest, source.name, entity) for entity in source.entities)
        newest = max((moment for moment in known if moment), default=None)
        return newest is None or self.as_of - newest > timedelta(hours=source.policy_hours)

    @property
    def exit_code(self) -> int:
        """0 published in full, 3 with gaps."""
        return PUBLISHED_WITH_GAPS if self.gaps else PUBLISHED

    def close(self) -> None:
        """Let go of files and memory."""
        if "landing" in self.__dict__:
            with suppress(StorageError):  # only a cache is written, and what the refresh itself raised matters more
                self.landing.close()

    def land(self, name: str) -> Intake:
        """Take in what a source has to offer. A source that cannot be read at all is an intake with a `problem`.

        Raises StorageError when the data folder refuses a write.
        """
        source = next(one for one in self.sources if one.name == name)
        if self.full:  # rebuilding asks no vendor for anything
            source = replace(source, streams=tuple)
        intake = take(source, self.landing, self.window, self.progress, now=self.as_of)
        self.intakes[name] = intake
        self.progress(intake.line)
        return intake

    def check_landed(self, name: str) -> Mapping[str, tuple[Finding, ...]]:
        """Check what landed from a source and has not passed yet, by entity. Cheap when there is nothing such.

        A batch that fails a blocking check is checked again by the next refresh, and so never slips through.
        """
        passed = self.history.checked_batches()
        found: dict[str, tuple[Finding, ...]] = {}
        for entity in sorted({batch.entity for batch in self.landing.manifest.accepted(name)}):
            batches = self.landing.manifest.accepted(name, entity)
            new = [batch for batch in batches if not _is_in(batch, passed)]
            if not new:
                continue
            new_ids = {batch.batch_id for batch in new}
            arrivals = [self._arrival(batch, batch.batch_id in new_ids) for batch in batches]
            found[entity] = check_landed(self._entity(new[0]), arrivals, as_of=self.as_of)
            if not any(finding.is_blocking for finding in found[entity]):
                self.history.add_checked(sorted(new_ids))
        for entity, findings in found.items():
            self.landed_findings[name, entity] = findings
        return found

    def build(self) -> Built | None:
        """Bring the marts up to date and check them; None when no row could differ from what is published.

        Raises BuildError, StorageError, LockedError; SourceError when there is nothing to build from.
        """
        self._require_something()
        given = self._given()
        plan = control.begin(self.engine, given)
        if not plan.is_needed and not self._is_news():
            control.mark_consumed(self.engine, self.run_id)
            return None
        was_pending = self.history.is_publication_pending()
        if plan.is_needed:
            self.history.add(self, "build")
            why = f"in full ({plan.reason})" if plan.is_full else f"{plan.new_batches} new batches"
            self.progress(f"building {why}, as of {self.as_of:%Y-%m-%d %H:%M} UTC")
        self.built = Built(plan, given, BuildResult())
        result = building.build(
            self.engine,
            building.selection(plan),
            full_refresh=plan.is_full,
            run_seeds=plan.run_seeds,
            exclude=building.left_out(has_predictions=self.settings.predictions.enabled),
        )
        self.built = replace(self.built, result=result)
        control.mark_consumed(self.engine, self.run_id)
        self.built = replace(self.built, findings=self._check_built(plan, was_pending))
        return self.built

    def predict(self) -> BuildResult | None:
        """Predict for what is open and build the outlook on it; None when predictions are off or nothing was built.

        On the same date and with nothing new, what was predicted stands. Raises BuildError, StorageError.
        """
        if self.built is None or not self.settings.predictions.enabled:
            return None
        plan, before = self.built.plan, self.built.plan.previous_as_of
        if not plan.is_full and not plan.new_batches and before is not None and before.date() == self.as_of.date():
            return None
        from pipelines.predictions.score import score

        done = score(self.engine, self.run_id, self.as_of)
        self.progress(f"predicted {done.rows:,} ({done.fallbacks:,} by what is usual), model {done.model_id or 'none'}")
        if plan.is_full or plan.new_batches:  # as in _check_built: a night of the clock alone imports no library for it
            self.predicted_findings = check_predicted(self.engine.warehouse_file)
            bad = [finding for finding in self.predicted_findings if finding.is_blocking]
            if bad:
                raise BuildError(f"what was predicted fails a check: {sentence(bad)}; nothing was published")
        result = building.build(self.engine, [building.OUTLOOK], full_refresh=False)
        self.built = replace(self.built, result=self.built.result.joined(result))
        return result

    def fail(self, result: BuildResult) -> None:
        """Keep what a failing build did get done, for its checks."""
        if self.built is not None:
            self.built = replace(self.built, result=result)

    def require_sound(self) -> None:
        """Raise BuildError for the first blocking finding on what was built."""
        bad = [finding for finding in self.built.findings if finding.is_blocking] if self.built else []
        if bad:
            raise BuildError(f"check {sentence(bad)}; nothing was published")

    def require_landed_sound(self, name: str) -> None:
        """Raise BuildError for the first blocking finding on what a source landed."""
        for (source, entity), findings in self.landed_findings.items():
            bad = [finding for finding in findings if finding.is_blocking]
            if source == name and bad:
                raise BuildError(
                    f"what {source} landed as {entity} fails a check: {sentence(bad)}; "
                    "correct the mapping, or take the batch out with `wherehouse retire`; nothing was published"
                )

    def _check_built(self, plan: BuildPlan, was_pending: bool) -> tuple[Finding, ...]:
        """Aggregates need a look when rows came in: now, or in a build that failed its checks and was not published."""
        findings = check_step(self.engine.marts_file, current_file(self.engine))
        if plan.is_full or plan.new_batches or was_pending:
            self.progress("checking what is about to be published")
            findings += check_aggregates(self.engine.marts_file)
        return findings

    def _require_something(self) -> None:
        """Raise SourceError when every source is out of reach, or nothing has ever landed."""
        problems = [intake.problem for intake in self.intakes.values() if intake.problem]
        if problems and len(problems) == len(self.intakes):
            raise SourceError(f"{problems[0]}; nothing was published")
        if self.landing.manifest.accepted():
            return
        gaps, notes = self.gaps, [note for intake in self.intakes.values() for note in intake.notes]
        empty = [one.message for intake in self.intakes.values() for one in intake.outcomes if one.message]
        why = next(iter([*gaps, *empty, *notes]), "no source has any file yet")
        raise SourceError(f"nothing to build from: {why}; nothing was published")

    def _is_news(self) -> bool:
        """Whether to publish although no model changes: loads, gaps, settings, a publication that was lost."""
        if any(intake.new for intake in self.intakes.values()) or not current_file(self.engine).exists():
            return True
        return self.history.is_publication_pending() or self.history.last_facts() != self.facts()

    def facts(self) -> str:
        """Digest of everything that the ops tables say beyond loads and rows: gaps, and settings pages show."""
        return self.history.digest([*self.gaps, self.settings.model_dump_json(exclude={"as_of", "file", "data_dir"})])

    def _given(self) -> BuildInput:
        settings = self.settings
        write_canonical(settings.data_dir, vendor_entities())
        return BuildInput(
            run_id=self.run_id,
            as_of=self.as_of,
            started_at=self.started_at,
            shop=settings.shop,
            time_zone=settings.time_zone,
            reporting_currency=settings.reporting_currency,
            landing_dir=settings.data_dir / "landing",
            full=self.full,
            settings=model_settings(settings),
            batches=tuple(self._batch(batch) for batch in self.landing.manifest.accepted()),
            status_codes=tuple(code for source in self.sources for code in source.status_codes()),
            reason_codes=tuple(code for source in self.sources for code in source.reason_codes()),
            sources=tuple(source.facts for source in self.sources),
            project_hashes=source_hashes(project_dir()),
        )

    @staticmethod
    def _entity(batch: LandedBatch) -> Entity:
        own = vendor_entities().get(batch.connector)
        return next(one for one in own if one.name == batch.entity) if own else ENTITIES[batch.entity]

    def _batch(self, batch: LandedBatch) -> Batch:
        return Batch(
            source=batch.source,
            connector=batch.connector,
            entity=batch.entity,
            batch_id=batch.batch_id,
            path=self.settings.data_dir / batch.path,
            seq=batch.seq,
            rows=batch.rows,
            replaces=batch.replaces,
        )

    def _arrival(self, batch: LandedBatch, is_new: bool) -> Arrival:
        path = self.landing.manifest.file_of(batch)
        return Arrival(path, batch.read, is_new, batch.label)


@contextmanager
def open_refresh(
    run_id: str,
    settings: Settings,
    sources: tuple[Source, ...],
    *,
    full: bool = False,
    window: Window | None = None,
    progress: Callable[[str], None] = lambda line: None,
    wait_seconds: float = 0,
) -> Iterator[Refresh]:
    """A refresh that owns the data folder until the end of the block. Raises LockedError, StorageError."""
    with writer_lock(settings.data_dir, run_id, wait_seconds=wait_seconds):
        refresh = Refresh(run_id, settings, sources, full, window or Window(), progress)
        try:
            yield refresh
        finally:
            refresh.close()


def _is_failed(outcome: Outcome) -> bool:
    return outcome.is_gap and outcome.outcome != HELD


def _is_in(batch: LandedBatch, passed: frozenset[str]) -> bool:
    return batch.batch_id in passed or (bool(batch.replaces) and passed.issuperset(batch.replaces))


def newest_record(manifest: Manifest, source: str, entity: str) -> datetime | None:
    """The newest moment that any landed record of a source tells of."""
    moments = (batch.max_at for batch in manifest.accepted(source, entity) if batch.max_at)
    return max((moment_of(text) for text in moments), default=None)


def moment_of(text: str | datetime) -> datetime:
    """A moment of the manifest, in UTC."""
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

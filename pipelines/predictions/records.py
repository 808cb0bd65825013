"""What stays on record of predictions: files under <data_dir>/predictions, outside the warehouse.

history/as_of=YYYY-MM-DD/<run>.parquet   everything predicted, with the features as they were; never changed
models/<model>/model.json, <kind>.txt    a trained model as text: loading it runs no code
models/champion.json                     which of them is in use
backtests/<model>.parquet, CARD.md       how it did on outcomes it had not seen; the same for people
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.errors import BuildError
from pipelines.predictions.curves import Calibration
from pipelines.predictions.features import Encoder
from pipelines.warehouse.connection import storage_errors

if TYPE_CHECKING:
    import polars as pl

    from pipelines.predictions.hazard import Hazard

_CHAMPION: Final = "champion.json"


@dataclass(frozen=True)
class Model:
    """Hazards and calibrations by kind, and what is known about how they came about."""

    model_id: str
    hazards: Mapping[str, Hazard]
    calibrations: Mapping[str, Calibration]
    about: Mapping[str, Any]


def root(data_dir: Path) -> Path:
    """The folder of all records."""
    return data_dir / "predictions"


def champion(folder: Path) -> str | None:
    """The model in use; None before the first training. Imports nothing."""
    path = folder / "models" / _CHAMPION
    return str(json.loads(path.read_text(encoding="utf-8"))["model_id"]) if path.exists() else None


def promote(folder: Path, model_id: str) -> None:
    """Put a model into use."""
    _write(folder / "models" / _CHAMPION, json.dumps({"model_id": model_id}))


def save(folder: Path, model: Model) -> None:
    """Keep a model. Raises StorageError."""
    place = folder / "models" / model.model_id
    kinds = {
        kind: {"texts": hazard.encoder.as_json(), "calibration": dict(model.calibrations[kind].maps)}
        for kind, hazard in model.hazards.items()
    }
    for kind, hazard in model.hazards.items():
        _write(place / f"{kind}.txt", hazard.booster.model_to_string())
    _write(place / "model.json", json.dumps({**model.about, "model_id": model.model_id, "kinds": kinds}, indent=1))


def load(folder: Path, model_id: str) -> Model:
    """Read a model. Raises BuildError when its files are not whole."""
    import lightgbm as lgb

    from pipelines.predictions.hazard import Hazard

    place = folder / "models" / model_id
    try:
        about = json.loads((place / "model.json").read_text(encoding="utf-8"))
        kinds = about.pop("kinds")
        hazards = {
            kind: Hazard(lgb.Booster(model_file=str(place / f"{kind}.txt")), Encoder(kept["texts"]))
            for kind, kept in kinds.items()
        }
    except (OSError, ValueError, KeyError, lgb.basic.LightGBMError) as error:
        raise BuildError(f"{place}: the model cannot be read ({error}); run `wherehouse train`") from None
    return Model(model_id, hazards, {kind: Calibration(kept["calibration"]) for kind, kept in kinds.items()}, about)


def add_history(folder: Path, run_id: str, day: str, rows: pl.DataFrame) -> Path:
    """Append what a refresh has predicted. Raises StorageError."""
    path = folder / "history" / f"as_of={day}" / f"{run_id}.parquet"
    with storage_errors(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        rows.write_parquet(temporary, compression="zstd")
        temporary.rename(path)
    return path


def history(folder: Path, last: int = 0) -> list[Path]:
    """Files of the newest `last` days on which something was predicted (0: of all), oldest first."""
    days = sorted((folder / "history").glob("as_of=*"))[-last:]
    return [path for day in days for path in sorted(day.glob("*.parquet"))]


def _write(path: Path, text: str) -> None:
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(path.suffix + ".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(path)

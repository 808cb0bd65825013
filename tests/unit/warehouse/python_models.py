"""Python models of the dbt project as modules: dbt reads them as text, so they are in no package."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from pipelines.warehouse.project import project_dir


def python_model(name: str) -> ModuleType:
    """The module of `models/NAME.py`."""
    path = project_dir() / "models" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

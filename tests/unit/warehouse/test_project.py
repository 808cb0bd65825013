from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.domain.errors import BuildError
from pipelines.warehouse.project import parsed_dir, parsed_key, project_dir, source_hashes

from .conftest import REPOSITORY, write_project


def test_the_repository_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project_dir.cache_clear()
    assert project_dir() == REPOSITORY / "dbt_project"


def test_a_folder_without_project_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREHOUSE_DBT_PROJECT", str(tmp_path))
    project_dir.cache_clear()
    with pytest.raises(BuildError, match="no dbt project"):
        project_dir()
    project_dir.cache_clear()


def test_seeds_have_hashes_of_their_own(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    before = source_hashes(project)
    assert set(before) == {"seed colours", "models"}
    (project / "seeds" / "colours.csv").write_text("colour\ngreen\n")
    after = source_hashes(project)
    assert after["models"] == before["models"]
    assert after["seed colours"] != before["seed colours"]


def test_models_and_macros_count_and_products_do_not(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    before, key = source_hashes(project), parsed_key(project)
    (project / "target").mkdir()
    (project / "target" / "manifest.json").write_text("{}")
    assert (source_hashes(project), parsed_key(project)) == (before, key)
    (project / "macros" / "run.sql").write_text("{# other #}")
    assert source_hashes(project)["models"] != before["models"]
    assert parsed_key(project) != key


def test_a_project_that_cannot_be_written_keeps_its_parsed_form_with_the_data(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    (project / "target").write_text("in the way")
    assert parsed_dir(project, tmp_path / "data") == tmp_path / "data" / "parsed"

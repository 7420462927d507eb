"""Every preset that ships is one that the school accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutelage.config import from_table, read_toml
from tutelage.plan import SchoolConfig

PRESETS = sorted((Path(__file__).resolve().parents[1] / "configs").glob("*.toml"))


def test_there_are_presets():
    assert {path.name for path in PRESETS} >= {"laptop.toml", "quick.toml"}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.name)
def test_preset_is_read(path: Path):
    tables = read_toml(path)
    assert list(tables) == ["school"]
    config = from_table(SchoolConfig, tables["school"], str(path))
    for key, value in tables["school"].items():
        assert getattr(config, key) == value


def test_the_laptop_preset_is_the_default():
    path = next(path for path in PRESETS if path.name == "laptop.toml")
    assert from_table(SchoolConfig, read_toml(path)["school"], str(path)) == SchoolConfig()

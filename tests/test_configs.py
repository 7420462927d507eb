"""Every preset that ships is one that its command accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutelage.commands.control import read_options
from tutelage.commands.options import options_of
from tutelage.config import from_table, read_toml
from tutelage.plan import SchoolConfig

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PRESETS = sorted(CONFIGS.glob("*.toml"))
CONTROL = sorted((CONFIGS / "rl").glob("*.toml"))


def test_there_are_presets():
    assert {path.name for path in PRESETS} >= {"laptop.toml", "quick.toml"}
    wanted = {f"cartpole_{name}.toml" for name in ("ppo", "a2c", "trpo", "reinforce")}
    assert {path.name for path in CONTROL} >= wanted


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


@pytest.mark.parametrize("path", CONTROL, ids=lambda path: path.name)
def test_control_preset_is_read(path: Path):
    options = options_of(read_options(["--config", str(path), "--run", "runs/new"]))
    table = read_toml(path)["rl"]
    assert {"env", "algorithm", "steps"} <= set(table)
    for key, value in table.items():
        found = options[key]
        assert (list(found) if isinstance(found, tuple) else found) == value

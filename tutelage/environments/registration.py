"""Environments that a package registers with Gymnasium when it is imported."""

from __future__ import annotations

import importlib

from tutelage.errors import BadInput

GRID_WORLDS = ("MiniGrid-", "BabyAI-")  # registered by the package minigrid


def register(name: str) -> None:
    """Import the package that registers the environment, where it is one known by its name, or the
    module before the colon of `module:Name-v0`."""
    if ":" in name:
        module = name.partition(":")[0]
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise BadInput(
                f"The module {module}, which is to register {name}, cannot be imported: {error}."
            ) from None
    if name.startswith(GRID_WORLDS):
        try:
            import minigrid  # noqa: F401
        except ImportError:
            raise BadInput(
                f'{name} needs the package minigrid: pip install "tutelage[worlds]".'
            ) from None

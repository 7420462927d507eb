"""Frozen dataclasses to TOML and back. An unknown key, a wrong type or value is one sentence."""

from __future__ import annotations

import dataclasses
import math
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tutelage.errors import BadInput

T = TypeVar("T")

RANGES: dict[str, Callable[[float], bool]] = {
    "above 0": lambda value: value > 0,
    "at least 0": lambda value: value >= 0,
    "from 0 to 1": lambda value: 0 <= value <= 1,
}


def require(config: object, allowed: str, *names: str) -> None:
    """Raise for the first of these fields whose number is infinite or outside one of RANGES."""
    for name in names:
        value = getattr(config, name)
        if not (math.isfinite(value) and RANGES[allowed](value)):
            raise ValueError(f"{name} must be a number {allowed}, got {value}")


def to_toml(tables: dict[str, Any]) -> str:
    """TOML text of {table name: dataclass}; None is left out."""
    lines: list[str] = []
    for name, config in tables.items():
        lines.append(f"[{name}]")
        for field in dataclasses.fields(config):
            value = getattr(config, field.name)
            if value is not None:
                lines.append(f"{field.name} = {_literal(value)}")
        lines.append("")
    return "\n".join(lines)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def read_toml(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}.") from None


def from_table(kind: type[T], table: dict[str, Any], where: str) -> T:
    """Build the dataclass `kind`; `where` names the file and table for the error."""
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise BadInput(
            f"{where}: unknown key {unknown[0]!r}; known keys are {', '.join(sorted(fields))}."
        )
    values = {key: _coerce(value, hints[key], f"{where}, {key}") for key, value in table.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}: {error}.") from None


def _coerce(value: Any, hint: Any, where: str) -> Any:
    """TOML's value as the field's type: paths from strings, tuples from lists, floats from ints."""
    options = typing.get_args(hint) if typing.get_origin(hint) is not None else ()
    if typing.get_origin(hint) is typing.Literal:
        if value not in options:
            raise BadInput(
                f"{where}: expected one of {', '.join(map(str, options))}, got {value!r}."
            )
        return value
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise BadInput(f"{where}: expected a list, got {value!r}.")
        return tuple(_coerce(item, options[0], where) for item in value)
    if options:  # X | None
        return _coerce(value, next(option for option in options if option is not type(None)), where)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise BadInput(f"{where}: expected {hint.__name__}, got {value!r}.")
    return value

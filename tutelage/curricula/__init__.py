"""Curricula: what is taught and how it is tested. A new one is a file and an entry here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tutelage.config import read_toml
from tutelage.curricula.arithmetic import Arithmetic
from tutelage.curricula.terminal import Terminal
from tutelage.errors import BadInput
from tutelage.protocols import Curriculum

CURRICULA: dict[str, Curriculum] = {
    "terminal": Terminal(),
    "arithmetic": Arithmetic(),
}
if TYPE_CHECKING:
    CurriculumName = str
else:
    CurriculumName = Literal[tuple(CURRICULA)]  # what `--curriculum` offers


def curriculum_of(folder: Path | None) -> Curriculum:
    """What a run was taught, or the run in whose checkpoints the model in `folder` lies; the
    terminal where nothing says so."""
    if folder is None:
        return CURRICULA["terminal"]
    folder = folder.resolve()
    run = folder.parent.parent if folder.parent.name == "checkpoints" else folder
    path = run / "config.toml"
    table = read_toml(path).get("school", {}) if path.exists() else {}
    name = table.get("curriculum", "terminal")
    if name not in CURRICULA:
        raise BadInput(f"{path}: there is no curriculum {name!r}, but {', '.join(CURRICULA)}.")
    return CURRICULA[name]

"""`tutelage sandbox selftest`: every promise of the sandbox, tried by breaking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from rich.text import Text

from tutelage.commands.options import parse
from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import selftest
from tutelage.screen import ACCENT, BAD, console
from tutelage.wording import plural, visible

ABOUT = """
Try to break every promise of the sandbox in which the models' commands run, and say what held.
It takes about five seconds. The exit code is 3 when a promise that the program needs did not hold.

Reads
  nothing

Writes
  nothing

Example
  tutelage sandbox selftest
"""


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    action: Annotated[Literal["selftest"], tyro.conf.Positional]  # what to do


def main(argv: Sequence[str]) -> None:
    parse(SandboxOptions, "sandbox", ABOUT, argv)
    screen = console()
    guarantees = selftest()
    for guarantee in guarantees:
        mark = ("✓ ", f"bold {ACCENT}") if guarantee.held else ("✗ ", f"bold {BAD}")
        line = Text.assemble(mark, guarantee.name)
        if not guarantee.held:
            kind = "" if guarantee.required else "not needed here: "
            line.append(f"   {kind}{visible(guarantee.detail)}", style="dim")
        screen.print(line, soft_wrap=True)
    broken = [guarantee for guarantee in guarantees if guarantee.required and not guarantee.held]
    if broken:
        raise SandboxUnavailable(
            f"{plural(len(broken), 'promise')} of the sandbox did not hold, so nothing that a "
            "model writes may be run here."
        )
    screen.print(f"All {plural(len(guarantees), 'promise')} were tried.")

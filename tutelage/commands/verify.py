"""`tutelage verify`: numbers known in closed form, measured on the functions that train."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
import tyro
from rich.text import Text

from tutelage.commands.options import parse
from tutelage.errors import TutelageError
from tutelage.proof import Finding, chosen_claims, verify
from tutelage.screen import ACCENT, console
from tutelage.wording import MINUS, duration, listing, plural

ABOUT = """
Check the functions that train against numbers known in closed form, in a world of so few sequences
that every expectation is a sum. The exit code is 1 when a claim does not hold.

Reads
  nothing

Writes
  nothing; it prints a line for each claim: what had to come out, what came out,
  how far that is off, how far it may be, and the claim.

Example
  tutelage verify --only G7 G8
"""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    only: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()  # claims; default: all
    json: bool = False  # one JSON document instead of lines


def main(argv: Sequence[str]) -> None:
    options = parse(VerifyOptions, "verify", ABOUT, argv)
    claims = chosen_claims(options.only)
    # Tensors this small keep one processor busy; a second one mostly waits, or is waited for.
    torch.set_num_threads(1)
    began = time.perf_counter()
    findings = verify(claims)
    seen = list(findings) if options.json else list(printed(findings))
    seconds = time.perf_counter() - began
    if options.json:
        print(as_json(seen, seconds))
    broken = [finding.name for finding in seen if not finding.holds]
    if broken:
        names = listing(list(dict.fromkeys(broken)))
        raise TutelageError(f"{len(broken)} of {plural(len(seen), 'claim')} did not hold: {names}.")
    if not options.json:
        held = "The claim holds" if len(seen) == 1 else f"All {plural(len(seen), 'claim')} hold"
        console().print(f"{held}, {duration(seconds)}.")


def printed(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Print a line for each finding as it comes, and pass it on."""
    screen = console()
    heading = f"  {'':<5}{'expected':>10}  {'got':>10}  {'off by':>7}  {'at most':>7}  claim"
    screen.print(Text(heading, style="dim"), soft_wrap=True)
    for finding in findings:
        screen.print(finding_line(finding), soft_wrap=True)
        yield finding


def finding_line(finding: Finding) -> Text:
    """✓ G7      1.07783     1.07783    2e-15    1e-12  k2 as a loss pushes as KL(π‖ref) does."""
    mark = ("✓ ", f"bold {ACCENT}") if finding.holds else ("✗ ", "bold #D55E00")
    measured = finding.measured
    numbers = (
        f"{number(measured.expected):>10}  {number(measured.got):>10}  "
        f"{size(measured.error):>7}  {size(measured.tolerance):>7}  "
    )
    return Text.assemble(mark, f"{finding.name:<5}", numbers, finding.statement)


def number(value: float) -> str:
    """Six digits and a true minus sign; rounding dust as such: `−1.07783`, `2.8e-18`."""
    text = f"{value:.1e}" if 0 < abs(value) < 1e-4 else f"{value:.6g}"
    return MINUS + text[1:] if text.startswith("-") else text


def size(error: float) -> str:
    """One digit and the power of ten: `2e-16`, `0`."""
    return f"{error:.0e}" if error else "0"


def as_json(findings: Sequence[Finding], seconds: float) -> str:
    """One document; what is not a number is null."""
    claims = []
    for finding in findings:
        measured = {
            name: value if math.isfinite(value) else None
            for name, value in vars(finding.measured).items()
        }
        claims.append(
            {
                "name": finding.name,
                "statement": finding.statement,
                **measured,
                "holds": finding.holds,
                "seconds": finding.seconds,
            }
        )
    document = {"hold": all(f.holds for f in findings), "seconds": seconds, "claims": claims}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)

"""What manual pages and cheat sheets say of commands, never as somebody would ask for them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path

from tutelage.curricula.terminal.family import choose, fill_slots, lines_of
from tutelage.curricula.terminal.words import TRAIN_WORDS, Namer

# N, A and B may touch a small letter of a command, as in 3p; words of capitals stay whole
_PLACEHOLDER = re.compile(r"OTHERFILE|OTHER|FILE|NEW|DIR|WORD|EXT|COL|(?<![A-Z])[NAB](?![A-Z-])")


def _parse(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Commands with their wordings, from paragraphs of a command and a wording a line."""
    paragraphs = (lines_of(paragraph) for paragraph in text.split("\n\n"))
    return tuple((lines[0], lines[1:]) for lines in paragraphs)


# What each command does, in many wordings; CAPITALS stand for what a person puts in. Commands that
# begin or end with "|", and "> NEW", are steps of pipelines.
ENTRIES = _parse((Path(__file__).parent / "manual.txt").read_text())
_PATTERNS = (
    "{command}: {does}.",
    "{command}: {does}.",
    "{command} {does}.",
    "The command {command} {does}.",
    "With {command} the shell {does}.",
)
# only for whole commands: a step such as "| tac" is never typed on its own
_TYPED = (
    "This {does}: $ {command}",
    "What {does} is $ {command}",
    "The next command {does}.\n$ {command}",
    "Example that {does}:\n$ {command}",
    "{does}: $ {command}",
    "{does}: $ {command}",
)
_TITLED = (
    "{command}: {do}.",
    "To {do}:\n$ {command}",
    "How to {do}: $ {command}",
    "# {do}\n$ {command}",
    "{do}: $ {command}",
)


def _values(rng: random.Random, namer: Namer) -> Mapping[str, str]:
    """Concrete things to put in for the placeholders."""
    start = rng.randint(2, 4)
    words = namer.nouns(2)
    return {
        "FILE": namer.file(rng.choice(("txt", "md", "csv", "log", "list", "dat", "sh"))),
        "OTHERFILE": namer.file("txt"),
        "NEW": namer.file(rng.choice(("txt", "md", "list"))),
        "DIR": namer.folder(),
        "WORD": words[0],
        "OTHER": words[1],
        "EXT": rng.choice(("txt", "csv", "log", "md", "list")),
        "COL": str(rng.randint(1, 4)),
        "N": str(rng.randint(2, 7)),
        "A": str(start),
        "B": str(start + rng.randint(1, 3)),
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[0]], text)


def _bare(wording: str) -> str | None:
    """The wording with its verb as a title has it ("sorts FILE" -> "sort FILE"), if it has one."""
    verb, _, rest = wording.partition(" ")
    if not verb.endswith("s") or re.search(r" (and|or|then|it|so|which) ", rest):
        return None  # more verbs may follow
    if verb.endswith("ies"):
        verb = verb[:-3] + "y"
    elif verb.endswith(("sses", "shes", "ches", "xes", "oes")):
        verb = verb[:-2]
    else:
        verb = verb[:-1]
    return f"{verb} {rest}"


def manual_page(rng: random.Random) -> str:
    """A few lines of a manual, or of a cheat sheet about one file."""
    namer = Namer(rng, TRAIN_WORDS)
    concrete = rng.random() < 0.85
    values = _values(rng, namer)
    lines = []
    for command, wordings in rng.sample(ENTRIES, rng.randint(3, 6)):
        if rng.random() < 0.5:
            values = _values(rng, namer)
        wording = choose(rng.choice(wordings), rng)
        if concrete:
            command, wording = _fill(command, values), _fill(wording, values)
        whole = command[0] not in "|>" and command[-1] != "|"
        bare = _bare(wording)
        if whole and bare and rng.random() < 0.6:
            pattern = rng.choice(_TITLED)
        else:
            pattern = rng.choice(_TYPED if whole and rng.random() < 0.75 else _PATTERNS)
        lines.append(
            fill_slots(pattern, {"command": command, "does": wording, "do": bare or wording})
        )
    return "\n".join(lines) + "\n"

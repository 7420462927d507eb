"""A task family: slots to draw from a world, ways to ask, and the command that does it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tutelage.curricula.terminal.world import EXTENSIONS, World
from tutelage.sandbox import Entry

# the file kinds that a slot of each class may be filled with
FILE_CLASSES: Mapping[str, tuple[str, ...]] = {
    "any": ("text", "words", "numbers", "csv", "log", "script", "json"),
    "plain": ("text", "words", "log", "csv"),
    "searchable": ("text", "log", "words", "csv"),
    "tidy": ("words", "log", "csv"),  # without blank lines, which would sort before the rest
    "varied": ("text", "log", "csv"),
    "repeated": ("words",),
    **{kind: (kind,) for kind in EXTENSIONS},
    **{kind: (kind,) for kind in ("moded", "archive")},
}

_ALTERNATION = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Family:
    """One kind of request. Phrasings hold {slots} and (either|or) alternations."""

    name: str
    group: str
    slots: tuple[tuple[str, str], ...]  # (slot, kind), in the order in which they are drawn
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    command: str
    composition: tuple[str, ...] = ()  # a pipeline's steps


def lines_of(text: str) -> tuple[str, ...]:
    """The non-empty lines of a block of text."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def slot_pairs(slots: str) -> tuple[tuple[str, str], ...]:
    """Slots and their kinds from "slot:kind" or, where the two are the same, "kind"."""
    return tuple((slot.partition(":")[0], slot.rpartition(":")[2]) for slot in slots.split())


def define(group: str, name: str, slots: str, command: str, train: str, held_out: str) -> Family:
    """A family from its short notation: slots are "slot:kind" or "kind", phrasings a line each."""
    family = Family(name, group, slot_pairs(slots), lines_of(train), lines_of(held_out), command)
    for phrasing in (*family.train, *family.held_out):
        unknown = set(_SLOT.findall(phrasing)) - {slot for slot, _ in family.slots}
        if unknown:
            raise ValueError(f"{name} has no slot {', '.join(unknown)}: {phrasing!r}")
    return family


def fill_slots(template: str, slots: Mapping[str, str]) -> str:
    """The template with each known {slot} replaced; other braces belong to the command."""
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), template)


def choose(template: str, rng: random.Random) -> str:
    """The template with one way taken of each (either|or)."""
    chosen = _ALTERNATION.sub(
        lambda match: (ways := match[1].split("|"))[int(rng.random() * len(ways))], template
    )
    return " ".join(chosen.split())


def expand(template: str) -> list[str]:
    """Every way to read a template's alternations."""
    match = _ALTERNATION.search(template)
    if match is None:
        return [" ".join(template.split())]
    before, after = template[: match.start()], template[match.end() :]
    return [text for way in match[1].split("|") for text in expand(before + way + after)]


_THINGS = """
rainbows dragons ghosts unicorns wishes dreams elephants castles oceans giants kisses secrets
sunbeams shadows songs pancakes wizards holidays
"""
Drawn = dict[str, str]


def draw_slots(family: Family, world: World, rng: random.Random, reuse: float = 0.0) -> Drawn:
    """Values for the family's slots; files that the world lacks are added to it.

    reuse is the chance to take a fitting file that is there already.
    """
    drawn: Drawn = {}
    for slot, kind in family.slots:
        if kind in FILE_CLASSES:
            drawn[slot] = _draw_file(kind, world, rng, drawn, reuse)
        else:
            drawn[slot] = _DRAWERS[kind](world, rng, drawn)
    return drawn


def _draw_file(kind: str, world: World, rng: random.Random, drawn: Drawn, reuse: float) -> str:
    kinds = FILE_CLASSES[kind]
    if rng.random() < reuse:
        fitting = [
            name
            for name, facts in world.files.items()
            if facts.kind in kinds and name not in drawn.values()
        ]
        if fitting:
            return rng.choice(fitting)
    return world.add(kinds[int(rng.random() * len(kinds))])


def _folder(world: World, rng: random.Random, drawn: Drawn) -> str:
    if world.folders and rng.random() < 0.5:
        return rng.choice(list(world.folders))
    return world.add("folder")


def _buried(world: World, rng: random.Random, drawn: Drawn) -> str:
    if not world.buried:
        world.add("folder")
    return rng.choice(world.buried)


def _extension(world: World, rng: random.Random, drawn: Drawn) -> str:
    """An extension of at least two files, but not of all."""
    kind, extension = rng.choice(
        (("text", "txt"), ("text", "md"), ("csv", "csv"), ("log", "log"), ("words", "list"))
    )
    while world.extensions()[extension] < 2:
        world.add(f"{kind}.{extension}")
    return extension


def _new_file(world: World, rng: random.Random, drawn: Drawn) -> str:
    return world.namer.file(rng.choice(("txt", "txt", "md", "list")))


def _new_like(world: World, rng: random.Random, drawn: Drawn) -> str:
    """A new name with the extension of the first file drawn."""
    return world.namer.file(next(iter(drawn.values())).rpartition(".")[2])


def _word(world: World, rng: random.Random, drawn: Drawn) -> str:
    """A word that stands in the file or folder drawn first."""
    place = next(iter(drawn.values()))
    if place in world.folders:
        return world.folders[place]
    return rng.choice(world.files[place].words)


def _other_word(world: World, rng: random.Random, drawn: Drawn) -> str:
    return world.namer.nouns(1)[0]


def _maybe_word(world: World, rng: random.Random, drawn: Drawn) -> str:
    """A word that the first file drawn holds here or in the opposite case."""
    place = drawn["file"]
    held, missing = world.files[place].words[0], _other_word(world, rng, drawn)
    entry = world.tree[place]
    swapped = entry.content.decode().replace(held, missing).encode()
    world.elsewhere[place] = Entry("file", swapped, entry.mode)
    return held if rng.random() < 0.5 else missing


def _maybe_file(world: World, rng: random.Random, drawn: Drawn) -> str:
    """A file that is there here or in the opposite case."""
    name = world.add(rng.choice(("text", "csv", "log")))
    if rng.random() < 0.5:
        world.elsewhere_missing.add(name)
    else:
        world.elsewhere[name] = world.tree.pop(name)
        del world.files[name]
    return name


def _maybe_twin(world: World, rng: random.Random, drawn: Drawn) -> str:
    """A text file that equals the first file drawn here or in the opposite case."""
    name = world.add("text")
    twin = Entry("file", world.tree[drawn["file"]].content)
    if rng.random() < 0.5:
        world.elsewhere[name] = twin
    else:
        world.elsewhere[name] = world.tree[name]
        world.tree[name] = twin
    return name


def _between(low: int, high: int) -> Callable[[World, random.Random, Drawn], str]:
    return lambda world, rng, drawn: str(low + int(rng.random() * (high - low + 1)))


_DRAWERS: Mapping[str, Callable[[World, random.Random, Drawn], str]] = {
    "folder": _folder,
    "buried": _buried,
    "ext": _extension,
    "new": _new_file,
    "newlike": _new_like,
    "newfolder": lambda world, rng, drawn: world.namer.folder(),
    "newarchive": lambda world, rng, drawn: world.namer.folder() + ".tar.gz",
    "person": lambda world, rng, drawn: world.namer.person(),
    "thing": lambda world, rng, drawn: rng.choice(_THINGS.split()),
    "word": _word,
    "frequentword": lambda world, rng, drawn: world.files[drawn["file"]].words[0],
    "otherword": _other_word,
    "maybeword": _maybe_word,
    "maybefile": _maybe_file,
    "maybetwin": _maybe_twin,
    "n": _between(2, 5),
    "m": lambda world, rng, drawn: str(rng.randint(2, 3 if "word" in drawn else 4)),
    "a": _between(2, 4),
    "b": lambda world, rng, drawn: str(int(drawn["a"]) + rng.randint(1, 3)),
    "col": _between(1, 4),
    "textcol": _between(1, 2),
}

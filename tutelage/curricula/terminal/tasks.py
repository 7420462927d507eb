"""Requests to a terminal assistant, each with the tree it is made in and its gold reply."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

from tutelage.curricula.terminal.families import (
    HELD_OUT_COMPOSITIONS,
    PLAIN_FAMILIES,
    TOPICS,
    TRAINED_COMPOSITIONS,
)
from tutelage.curricula.terminal.family import (
    FILE_CLASSES,
    Family,
    choose,
    draw_slots,
    fill_slots,
)
from tutelage.curricula.terminal.words import HELD_OUT_WORDS, TRAIN_WORDS
from tutelage.curricula.terminal.world import empty_world
from tutelage.errors import BadInput
from tutelage.sandbox import Tree
from tutelage.schema import Demonstration, Message

Kind = Literal["command", "nonsense", "danger", "small_talk"]
Kinds = Literal["all", "commands", "nonsense", "danger", "small_talk"]
SPLITS = ("train", "new_names", "new_phrasings", "new_compositions")

COMMAND = "$ "
_MIXTURE: dict[Kind, float] = {
    "command": 0.74,
    "nonsense": 0.11,
    "danger": 0.10,
    "small_talk": 0.05,
}
_PIPELINES_SHARE = 0.2  # of the commands
_NAME_KINDS = frozenset(FILE_CLASSES) | {
    *("folder", "buried", "new", "newlike", "newfolder", "newarchive"),
    *("maybefile", "maybetwin", "person"),
}


@dataclass(frozen=True)
class TerminalTask:
    """A request, the tree it is made in, and the reply it should get."""

    prompt: str
    kind: Kind
    family: str
    group: str
    phrasing: str  # the family and the number of its template
    split: str
    tree: Tree = field(repr=False)
    reference: str  # "$ " and a command, or speech
    # a yes or no question has a tree where its answer is the opposite: "$ echo yes" is no answer
    opposite: Tree | None = field(default=None, repr=False)


def _has_name(family: Family) -> bool:
    return any(kind in _NAME_KINDS for _, kind in family.slots)


def _mentions_name(phrasing: str, family: Family) -> bool:
    return any(f"{{{slot}}}" in phrasing for slot, kind in family.slots if kind in _NAME_KINDS)


def _named(families: tuple[Family, ...]) -> tuple[Family, ...]:
    return tuple(family for family in families if _has_name(family))


@dataclass(frozen=True)
class _Pool:
    """The families that a split draws from."""

    plain: tuple[Family, ...]
    compositions: tuple[Family, ...]
    topics: dict[str, tuple[Family, ...]]


_TRAINED = _Pool(PLAIN_FAMILIES, TRAINED_COMPOSITIONS, TOPICS)
_POOLS: dict[str, _Pool] = {
    "train": _TRAINED,
    "new_names": _Pool(
        _named(PLAIN_FAMILIES),
        TRAINED_COMPOSITIONS,
        {kind: _named(topics) for kind, topics in TOPICS.items()},
    ),
    "new_phrasings": _TRAINED,
    "new_compositions": _Pool((), HELD_OUT_COMPOSITIONS, {}),
}


def sample_tasks(split: str, count: int, seed: int, kinds: Kinds = "all") -> list[TerminalTask]:
    """Tasks of a split; the same arguments give the same tasks in every process."""
    if split not in SPLITS:
        raise BadInput(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if kinds not in ("all", "commands", *TOPICS):
        raise BadInput(f"kinds must be all, commands, {', '.join(TOPICS)}, got {kinds!r}")
    if split == "new_compositions" and kinds not in ("all", "commands"):
        raise BadInput(f"new_compositions has commands only, got kinds={kinds!r}")
    rng = random.Random(f"terminal tasks/{split}/{kinds}/{seed}")
    return [_sample_task(split, kinds, rng) for _ in range(count)]


def _sample_task(split: str, kinds: Kinds, rng: random.Random) -> TerminalTask:
    pool = _POOLS[split]
    kind = _draw_kind(pool, kinds, rng)
    if kind != "command":
        families = pool.topics[kind]
    elif not pool.plain or rng.random() < _PIPELINES_SHARE:
        families = pool.compositions
    else:
        families = pool.plain
    return make_task(families[int(rng.random() * len(families))], kind, split, rng)


def _draw_kind(pool: _Pool, kinds: Kinds, rng: random.Random) -> Kind:
    if kinds == "commands" or not pool.topics:
        return "command"
    if kinds != "all":
        return kinds
    return rng.choices(list(_MIXTURE), list(_MIXTURE.values()))[0]


def make_task(family: Family, kind: Kind, split: str, rng: random.Random) -> TerminalTask:
    """One task of a family."""
    world = empty_world(rng, HELD_OUT_WORDS if split == "new_names" else TRAIN_WORDS)
    slots = draw_slots(family, world, rng)
    world.fill(size=3 + int(rng.random() * 3))
    phrasings, mark = (family.held_out, "held") if split == "new_phrasings" else (family.train, "")
    numbers = [
        number
        for number, phrasing in enumerate(phrasings)
        if split != "new_names" or _mentions_name(phrasing, family)
    ]
    number = numbers[int(rng.random() * len(numbers))]
    return TerminalTask(
        prompt=fill_slots(choose(phrasings[number], rng), slots),
        kind=kind,
        family=family.name,
        group=family.group,
        phrasing=f"{family.name}/{mark}{number}",
        split=split,
        tree=world.tree,
        reference=(COMMAND if kind == "command" else "") + fill_slots(family.command, slots),
        opposite=world.opposite(),
    )


def demonstrations(count: int, seed: int) -> list[Demonstration]:
    """Requests of the train split with their reference replies."""
    return [
        Demonstration((Message("user", task.prompt), Message("assistant", task.reference)))
        for task in sample_tasks("train", count, seed)
    ]

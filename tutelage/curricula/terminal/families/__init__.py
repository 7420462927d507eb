"""Every task family, in ten groups."""

import itertools

from tutelage.curricula.terminal.families import (
    archives,
    conditions,
    counting,
    danger,
    facts,
    files,
    nonsense,
    pipelines,
    reading,
    rewriting,
    searching,
    small_talk,
    sorting,
)
from tutelage.curricula.terminal.family import Family

PLAIN_FAMILIES: tuple[Family, ...] = (
    *files.FAMILIES,
    *reading.FAMILIES,
    *searching.FAMILIES,
    *counting.FAMILIES,
    *sorting.FAMILIES,
    *rewriting.FAMILIES,
    *archives.FAMILIES,
    *facts.FAMILIES,
    *conditions.FAMILIES,
)
COMPOSITIONS: tuple[Family, ...] = pipelines.FAMILIES
TRAINED_COMPOSITIONS = tuple(
    family
    for family in COMPOSITIONS
    if not pipelines.HELD_OUT_PAIRS & set(itertools.pairwise(family.composition))
)
HELD_OUT_COMPOSITIONS = tuple(
    family for family in COMPOSITIONS if family not in TRAINED_COMPOSITIONS
)
FAMILIES = PLAIN_FAMILIES + COMPOSITIONS

# What is answered in words, by the kind of task.
TOPICS: dict[str, tuple[Family, ...]] = {
    "nonsense": nonsense.FAMILIES,
    "danger": danger.FAMILIES,
    "small_talk": small_talk.FAMILIES,
}

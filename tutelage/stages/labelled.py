"""What labels teach, and the batches in which new labels meet earlier ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_tree, rank_table, swapped_trees
from tutelage.data.demonstrations import demonstration_tree
from tutelage.data.ratings import unranked
from tutelage.device import seeded
from tutelage.labelling.examples import examples_of
from tutelage.labelling.labels import labels_after
from tutelage.labelling.records import Label
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import get_tasks
from tutelage.protocols import ChatTokenizer
from tutelage.schema import Comparison, Conversation, Demonstration, Rating
from tutelage.stages.reward import RewardConfig
from tutelage.stages.sft import SFTConfig, augmented_tree
from tutelage.text.packing import Packed, pack

T = TypeVar("T")
Graded = Comparison | Rating  # what a reward model learns from
AT_ONCE = 1000  # labels that are read in one go


@dataclass(frozen=True)
class Lesson:
    """What one label teaches: rankings and ratings the reward model, demonstrations the policy.
    A label may hold nothing to learn."""

    label: int
    graded: tuple[Graded, ...]
    shown: tuple[Demonstration, ...]
    too_long: bool = False  # for the model's context: left out

    def prompts(self) -> list[Conversation]:
        return [example.prompt for example in self.graded]


def read_lessons(
    store: Store, labels: Sequence[Label], tokenizer: ChatTokenizer, context: int
) -> list[Lesson]:
    """A lesson a label, in their order."""
    tasks = get_tasks(store, [label.task_id for label in labels if label.task_id is not None])
    lessons = []
    for label in labels:
        if label.task_id is not None and label.task_id not in tasks:  # erased meanwhile
            lessons.append(Lesson(label.id, (), ()))
            continue
        task = tasks[label.task_id] if label.task_id is not None else None
        found = examples_of(label, task)
        graded: list[Graded] = [*found.comparisons, *found.ratings]
        shown = found.demonstrations
        too_long = max(
            [comparison_tree(tokenizer, as_comparison(example)).longest for example in graded]
            + [demonstration_tree(tokenizer, example).longest for example in shown],
            default=0,
        )
        if too_long > context:
            graded, shown = [], []
        lessons.append(Lesson(label.id, tuple(graded), tuple(shown), too_long > context))
    return lessons


def lessons_until(store: Store, last: int, tokenizer: ChatTokenizer, context: int) -> list[Lesson]:
    """Those of all labels up to this one that are there now: what was taken back or erased is
    not."""
    found: list[Lesson] = []
    after = 0
    while labels := [label for label in labels_after(store, after, AT_ONCE) if label.id <= last]:
        found += read_lessons(store, labels, tokenizer, context)
        after = labels[-1].id
    return found


def as_comparison(example: Graded) -> Comparison:
    return example if isinstance(example, Comparison) else unranked(example)


def reward_batches(
    new: Sequence[Graded],
    earlier: Sequence[Graded],
    importance: int,
    at_once: int,
    size: int,
    *seed: object,
) -> Iterator[list[Graded]]:
    """Batches in which each new example stands `importance` times, at most `at_once` new ones in
    each; earlier ones, drawn evenly, fill them up to `size`."""
    for repeat in range(importance):
        generator = seeded(*seed, "new", repeat)
        order = torch.randperm(len(new), generator=generator).tolist()
        for start in range(0, len(new), at_once):
            chosen = [new[i] for i in order[start : start + at_once]]
            yield chosen + _drawn(earlier, size - len(chosen), generator)


def _drawn(examples: Sequence[T], count: int, generator: torch.Generator) -> list[T]:
    if not examples:
        return []
    return [
        examples[i]
        for i in torch.randint(len(examples), (max(0, count),), generator=generator).tolist()
    ]


def pack_graded(
    batch: Sequence[Graded],
    swap: RareWordSwap,
    tokenizer: ChatTokenizer,
    context: int,
    config: RewardConfig,
    generator: torch.Generator,
) -> tuple[Packed, Tensor, Tensor, list[Rating]]:
    """What `reward_step` takes: packed trees, ranks and mask (P, K), and the ratings among them."""
    rated = [example for example in batch if isinstance(example, Rating)]
    ranked = [example for example in batch if isinstance(example, Comparison)]
    comparisons = [*ranked, *map(unranked, rated)]
    trees = swapped_trees(
        tokenizer,
        comparisons,
        [comparison_tree(tokenizer, comparison) for comparison in comparisons],
        range(len(comparisons)),
        swap,
        config.swapped,
        context,
        generator,
    )
    ranks, mask = rank_table(comparisons)
    return pack(trees, config.row_length, tokenizer.pad), ranks, mask, rated


def shown_batches(
    new: Sequence[Demonstration],
    earlier: Sequence[Demonstration],
    at_once: int,
    swap: RareWordSwap,
    tokenizer: ChatTokenizer,
    context: int,
    config: SFTConfig,
    *seed: object,
) -> Iterator[Packed]:
    """Batches of demonstrations without end: the new ones in turn, at most `at_once` in
    each, filled up with earlier ones."""
    for number in itertools.count():
        generator = seeded(*seed, "shown", number)
        turn = min(at_once, len(new))
        chosen = [new[(number * turn + i) % len(new)] for i in range(turn)]
        chosen += _drawn(earlier, config.batch - turn, generator)
        trees = [
            augmented_tree(
                example,
                demonstration_tree(tokenizer, example),
                swap,
                tokenizer,
                context,
                config,
                generator,
            )
            for example in chosen
        ]
        yield pack(trees, config.row_length, tokenizer.pad)

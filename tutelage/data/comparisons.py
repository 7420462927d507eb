"""Comparisons on disk, and as trees to train a reward model on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tutelage.data.augmentation import RareWordSwap
from tutelage.data.corpus import named_keys, read_records, shown
from tutelage.data.prompts import read_prompt, written_prompt
from tutelage.errors import BadInput
from tutelage.protocols import ChatTokenizer
from tutelage.runs import write_text
from tutelage.schema import Comparison, Conversation
from tutelage.text.packing import Tree


def read_comparisons(path: Path) -> list[Comparison]:
    """JSONL of {"prompt", "chosen", "rejected"} or {"prompt", "responses", "ranking"}; a prompt is
    text, or the messages before the reply."""
    return [comparison_of(where, record) for where, record in read_records(path)]


def comparison_of(where: str, record: dict[str, object]) -> Comparison:
    """The comparison of one record; `where` begins the error."""
    prompt = record.get("prompt")
    chosen, rejected = record.get("chosen"), record.get("rejected")
    responses, ranking = record.get("responses"), record.get("ranking")
    is_pair = isinstance(chosen, str) and isinstance(rejected, str)
    is_ranking = isinstance(responses, list) and isinstance(ranking, list)
    if not isinstance(prompt, str | list) or not (is_pair or is_ranking):
        raise BadInput(
            f"{where}: expected `prompt`, `chosen` and `rejected`, or `prompt`, `responses` "
            f"and `ranking`, got {named_keys(record)}."
        )
    if is_pair:
        responses, ranking = [chosen, rejected], [[0], [1]]
    assert isinstance(responses, list)
    assert isinstance(ranking, list)
    for response in responses:
        if not isinstance(response, str):
            raise BadInput(f"{where}: expected responses of text, got {shown(response)}.")
    asked = read_prompt(prompt, where)
    try:
        return Comparison(
            asked,
            tuple(responses),
            tuple(tuple(int(index) for index in group) for group in ranking),
            labeler=str(record.get("labeler", "")),
            labelled_at=str(record.get("labelled_at", "")),
            guidelines=str(record.get("guidelines", "")),
        )
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}: {error}.") from None


def write_comparisons(path: Path, comparisons: Sequence[Comparison]) -> None:
    rows = (
        {
            "prompt": written_prompt(comparison.prompt),
            "responses": comparison.responses,
            "ranking": comparison.ranking,
            "labeler": comparison.labeler,
            "labelled_at": comparison.labelled_at,
            "guidelines": comparison.guidelines,
        }
        for comparison in comparisons
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def comparison_trees(
    tokenizer: ChatTokenizer, comparisons: Sequence[Comparison], context: int
) -> list[Tree]:
    """One tree a prompt, its responses the branches; no path longer than context."""
    trees = [comparison_tree(tokenizer, comparison) for comparison in comparisons]
    for number, tree in enumerate(trees, start=1):
        if tree.longest > context:
            raise BadInput(
                f"Comparison {number} has {tree.longest} tokens with its longest response, the "
                f"model's context is {context}: shorten it, or pretrain with a longer context."
            )
    return trees


def comparison_tree(tokenizer: ChatTokenizer, comparison: Comparison) -> Tree:
    prompt = tokenizer.encode_prompt(comparison.prompt)
    return Tree(prompt, [tokenizer.encode_reply(response) for response in comparison.responses])


def swapped_trees(
    tokenizer: ChatTokenizer,
    comparisons: Sequence[Comparison],
    unchanged: Sequence[Tree],
    chosen: Sequence[int],
    swap: RareWordSwap,
    share: float,
    context: int,
    generator: torch.Generator,
) -> list[Tree]:
    """Trees of the chosen comparisons, a share of them with other rare words; the unchanged tree
    itself where nothing was swapped, or where a swapped word made one longer than the context."""
    swapped = (torch.rand(len(chosen), generator=generator) < share).tolist()
    trees = [unchanged[i] for i in chosen]
    for place, i in enumerate(chosen):
        if swapped[place]:
            tree = comparison_tree(tokenizer, swap.comparison(comparisons[i], generator))
            if tree.longest <= context:
                trees[place] = tree
    return trees


def held_out(comparisons: Sequence[Comparison]) -> int:
    """How many comparisons, the last of a round, a school keeps out of training: they were drawn at
    random, each of a prompt of its own, and no other file is told where it was cut."""
    return max(1, len(comparisons) // 8)


def pairs_right(
    scores: Tensor, comparisons: Sequence[Comparison]
) -> dict[Conversation, tuple[int, int]]:
    """How many pairs the scores, (responses,) in order, put as the labeler did, and of how many, by
    prompt, since pairs of one prompt are not independent; ties are left out."""
    counts: dict[Conversation, tuple[int, int]] = {}
    for comparison, own in zip(
        comparisons, scores.split([len(c.responses) for c in comparisons]), strict=True
    ):
        ranks = torch.tensor(comparison.ranks())
        better = ranks[:, None] < ranks[None, :]
        right, pairs = counts.get(comparison.prompt, (0, 0))
        right += int((better & (own[:, None] > own[None, :])).sum())
        counts[comparison.prompt] = right, pairs + int(better.sum())
    return counts


def rank_table(comparisons: Sequence[Comparison]) -> tuple[Tensor, Tensor]:
    """Ranks (P, K) and their mask, K the largest number of responses."""
    K = max(len(comparison.responses) for comparison in comparisons)
    ranks = torch.zeros(len(comparisons), K, dtype=torch.long)
    mask = torch.zeros(len(comparisons), K, dtype=torch.bool)
    for row, comparison in enumerate(comparisons):
        ranks[row, : len(comparison.responses)] = torch.tensor(comparison.ranks())
        mask[row, : len(comparison.responses)] = True
    return ranks, mask

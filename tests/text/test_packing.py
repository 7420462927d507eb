"""Packing: whatever row a sequence lies in, the model sees it alone."""

from __future__ import annotations

import torch

from tests.conftest import tiny_gpt
from tutelage.policies.language import Replies, score_packed
from tutelage.text.packing import Tree, pack, plain, put_spans, take_spans


def test_layout_by_hand():
    packed = pack([Tree([5, 6, 7], [[1, 2], [3]])], row_length=8, pad=0)
    assert packed.tokens.tolist() == [[5, 6, 7, 7, 1, 2, 7, 3]]
    assert packed.positions.tolist() == [[0, 1, 2, 2, 3, 4, 2, 3]]
    assert packed.mask.int().tolist() == [[0, 0, 0, 1, 1, 0, 1]]
    assert packed.spans.tolist() == [[0, 3, 2], [0, 6, 1]]
    sees = packed.attend()[0, 0].int().tolist()
    assert sees[5] == [1, 1, 0, 1, 1, 1, 0, 0]  # the prompt short of its last token, then itself
    assert sees[7] == [1, 1, 0, 0, 0, 0, 1, 1]


def test_packed_logprobs_equal_those_of_each_sequence_alone():
    gpt = tiny_gpt(dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)

    def ids(n: int) -> list[int]:
        return torch.randint(300, (n,), generator=generator).tolist()

    trees = [
        Tree(ids(p), [ids(b) for b in bs]) for p, bs in [(4, [3, 5]), (1, [2]), (6, [1, 4, 2])]
    ]
    packed = pack(trees, row_length=24, pad=0)
    found = Replies(packed).steps(score_packed(gpt, packed))
    alone = []
    for tree in trees:
        for branch in tree.branches:
            tokens = torch.tensor([[*tree.prompt, *branch]])
            full = gpt.head(gpt(plain(tokens))).log_softmax(-1)[0, len(tree.prompt) - 1 : -1]
            alone.append(full.gather(1, torch.tensor(branch)[:, None])[:, 0])
    assert len(alone) == len(found) == 6
    for row, expected in zip(found, alone, strict=True):
        torch.testing.assert_close(row[: len(expected)], expected, rtol=1e-10, atol=1e-10)


def test_padding_left_right_and_none_give_the_same_logprobs():
    """G19, with packing's own means: a sequence before, after, or beside nothing."""
    gpt = tiny_gpt(dtype=torch.float64)
    tree, other = Tree([3, 4, 5], [[6, 7]]), Tree([9] * 7, [[8] * 6])
    alone = pack([tree], 6, 0)
    results = []
    for packed, index in [
        (alone, 0),
        (pack([tree, other], 40, 0), 0),
        (pack([other, tree], 40, 0), 1),
    ]:
        replies = Replies(packed)
        found = replies.steps(score_packed(gpt, packed))[index][replies.step_mask()[index]]
        results.append(found)
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(results[0], results[2], rtol=1e-12, atol=1e-12)


def test_a_tree_longer_than_a_row_is_cut_between_branches():
    """Three parts of one tree: order, masks and log-probabilities are those of the whole."""
    masks = [[True], [False, True], [True] * 3, [True]]
    tree = Tree([5, 6], [[1], [2, 3], [4, 1, 2], [3]], [False, True], masks)
    whole, cut = pack([tree], 40, 0), pack([tree], 7, 0)
    rows = [[5, 6, 6, 1, 6, 2, 3], [5, 6, 6, 4, 1, 2, 0], [5, 6, 6, 3, 0, 0, 0]]
    assert cut.tokens.tolist() == rows
    assert cut.spans[:, 2].tolist() == whole.spans[:, 2].tolist() == [1, 2, 3, 1]
    assert cut.targets.tolist() == whole.targets.tolist() == [6, 1, 3, 4, 1, 2, 3]
    gpt = tiny_gpt(dtype=torch.float64)
    torch.testing.assert_close(score_packed(gpt, cut), score_packed(gpt, whole), rtol=0, atol=1e-10)


def test_the_loss_mask_of_a_prompt():
    packed = pack([Tree([1, 2, 3, 4], [], [False, False, True, True])], 4, 0)
    assert packed.mask.int().tolist() == [[0, 1, 1]]  # position t scores token t + 1


def test_a_branch_of_several_turns_has_a_mask_of_its_own():
    """What the environment says in between is read but not decided: 9 and 8 of the first branch."""
    masks = [[True, False, False, True], [True, True]]
    packed = pack([Tree([1, 2], [[5, 9, 8, 6], [7, 7]], branch_masks=masks)], 20, 0)
    assert packed.targets.tolist() == [5, 6, 7, 7]
    replies = Replies(packed)
    steps = replies.steps(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert steps.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert replies.step_mask().tolist() == [[True, True], [True, True]]
    assert replies.decisions(steps).tolist() == [1.0, 2.0, 3.0, 4.0]
    unequal = Replies(pack([Tree([1], [[5, 6], [7]]), Tree([2], [[8]])], 20, 0))
    assert unequal.steps(torch.arange(1.0, 5.0)).tolist() == [[1.0, 2.0], [3.0, 0.0], [4.0, 0.0]]


def test_turns_read_in_one_row_have_the_logprobs_they_had_one_by_one():
    gpt = tiny_gpt(dtype=torch.float64)
    turns, mask = [5, 9, 8, 6, 4], [True, False, False, True, True]
    packed = pack(
        [Tree([1, 2], [turns, [7]], branch_masks=[mask, [True]]), Tree([3], [[3]])], 30, 0
    )
    logprobs = Replies(packed).steps(score_packed(gpt, packed))[0]
    full = gpt.logits(gpt(plain(torch.tensor([[1, 2, *turns]])))).log_softmax(-1)[0, 1:-1]
    alone = full.gather(1, torch.tensor(turns)[:, None])[:, 0]
    torch.testing.assert_close(logprobs, alone[torch.tensor(mask)], rtol=1e-10, atol=1e-10)


def test_spans_keep_the_trees_order_and_rows_never_overflow():
    trees = [Tree([1] * n, [[2] * n]) for n in (2, 9, 3, 7, 1)]
    packed = pack(trees, row_length=20, pad=0)
    assert packed.spans[:, 2].tolist() == [2, 9, 3, 7, 1]
    assert packed.tokens.shape[1] <= 20
    values = torch.arange(packed.mask.numel(), dtype=torch.float32).view(packed.mask.shape)
    taken, inside = take_spans(values, packed.spans)
    assert inside.sum().item() == 22
    torch.testing.assert_close(put_spans(taken, packed.spans, values.shape), values * packed.mask)


def test_rows_selects_and_renumbers():
    packed = pack([Tree([1] * 5, [[2] * 5]), Tree([3] * 4, [[4] * 4])], 11, 0)
    part = packed.rows(torch.tensor([1]))
    assert part.tokens.tolist() == packed.tokens[1:].tolist()
    assert part.spans.tolist() == [[0, 4, 4]]

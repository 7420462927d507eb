"""What the reward model says of replies that are done, and of those that are not."""

import torch

from tests.conftest import tiny_gpt
from tutelage.algorithms.batch import value_packed
from tutelage.device import seeded
from tutelage.judges.reward_model import branch_scores, prefix_scores
from tutelage.model.heads import RewardModel
from tutelage.text.batching import Tree, pack, take_spans

TREES = [Tree([3, 4, 5], [[6, 7], [8]]), Tree([9] * 7, [[8] * 6]), Tree([2], [[5, 5, 1], [1, 2]])]


def grader() -> RewardModel:
    model = RewardModel(tiny_gpt(dtype=torch.float64)).double()
    model.score.initialise(seeded("score"))
    return model


def test_a_reply_has_the_score_that_it_has_alone():
    model = grader()
    found = branch_scores(model, pack(TREES, 12, 0))  # in several rows, in another order
    alone = [
        model.score(model.gpt(torch.tensor([[*tree.prompt, *branch]]))[0, -1])
        for tree in TREES
        for branch in tree.branches
    ]
    torch.testing.assert_close(found, torch.stack(alone))


def test_prefix_scores_are_those_of_the_parts():
    model = grader()
    packed = pack(TREES, 12, 0)
    found, said = prefix_scores(model, packed)
    lengths = [len(branch) for tree in TREES for branch in tree.branches]
    assert said.sum(dim=1).tolist() == [length + 1 for length in lengths]
    ends = found.gather(1, said.sum(dim=1, keepdim=True) - 1)[:, 0]
    torch.testing.assert_close(ends, branch_scores(model, packed))
    part = model.score(model.gpt(torch.tensor([[3, 4, 5, 6]]))[0, -1])
    torch.testing.assert_close(found[0, 1], part)


def test_values_are_of_the_states_before_each_token():
    model = grader()
    packed = pack(TREES, 12, 0)
    values, mask = take_spans(value_packed(model, packed, rows_at_once=1), packed.spans)
    scores, _ = prefix_scores(model, packed)
    torch.testing.assert_close(values, scores[:, : values.shape[1]] * mask)

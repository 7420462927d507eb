"""What the reward model says of replies that are done, and of those that are not."""

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.device import seeded
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.heads import RewardModel
from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.schema import Trajectory, ask
from tutelage.text.packing import Tree, pack, plain

TREES = [Tree([3, 4, 5], [[6, 7], [8]]), Tree([9] * 7, [[8] * 6]), Tree([2], [[5, 5, 1], [1, 2]])]


def grader() -> RewardModel:
    model = RewardModel(tiny_gpt(dtype=torch.float64)).double()
    for head in (model.head, model.body.head):
        torch.nn.init.normal_(head.weight, generator=seeded("head"))
    model.normalise(torch.tensor([1.0, 3.0, 4.0], dtype=torch.float64))
    return model


def score_alone(model: RewardModel, prompt: list[int], reply: list[int]) -> torch.Tensor:
    """The score of a reply, from its own row and by the definition."""
    hidden = model.body(plain(torch.tensor([[*prompt, *reply]])))[0]
    logprobs = model.body.head(hidden).log_softmax(dim=-1)
    said = [logprobs[len(prompt) - 1 + i, token] for i, token in enumerate(reply)]
    raw = model.head(hidden[-1])[0] + model.likelihood * torch.stack(said).mean()
    return (raw - model.shift) / model.scale


def test_a_reply_has_the_score_that_it_has_alone():
    model = grader()
    found = model.scores(pack(TREES, 12, 0))  # in several rows, in another order
    alone = [
        score_alone(model, list(tree.prompt), list(branch))
        for tree in TREES
        for branch in tree.branches
    ]
    torch.testing.assert_close(found, torch.stack(alone))


def test_scores_of_unfinished_replies_are_those_of_the_parts():
    model = grader()
    packed = pack(TREES, 12, 0)
    found, said = model(packed)
    lengths = [len(branch) for tree in TREES for branch in tree.branches]
    assert said.sum(dim=1).tolist() == [length + 1 for length in lengths]
    torch.testing.assert_close(found[0, 1], score_alone(model, [3, 4, 5], [6]))
    nothing_said = (
        model.head(model.body(plain(torch.tensor([[3, 4, 5]])))[0, -1])[0] - model.shift
    ) / (model.scale)
    torch.testing.assert_close(found[0, 0], nothing_said)


def test_values_are_of_the_states_before_each_token():
    model = grader()
    packed = pack(TREES, 12, 0)
    replies = Replies(packed)
    mask = replies.step_mask()
    with torch.no_grad():
        values = replies.steps(LanguagePolicy(model.body, model).values(replies))
    scores, _ = model(packed)
    torch.testing.assert_close(values, scores[:, : values.shape[1]] * mask)


def test_the_judge_gives_each_sample_the_score_of_its_own_words():
    model = grader()
    replies = [
        ([3, 4, 5], 0, [6, 7]),
        ([2], 1, [5, 1]),
        ([3, 4, 5], 0, [8]),
        ([3, 4, 5], 0, [6, 7]),
    ]
    verdicts = RewardModelJudge(model, pad=0).score(
        [
            Trajectory.of_reply(
                prompt=ask("?"),
                prompt_tokens=prompt,
                response_tokens=reply,
                logprobs=[0.0] * len(reply),
                response="",
                terminated=True,
                group=group,
            )
            for prompt, group, reply in replies
        ]
    )
    alone = [score_alone(model, prompt, reply).item() for prompt, _, reply in replies]
    assert [verdict.score for verdict in verdicts] == pytest.approx(alone)


def test_scores_as_trained_come_back_after_any_number_of_normalisations():
    model = grader()
    packed = pack(TREES, 12, 0)
    normalised = model.scores(packed)
    model.normalise(normalised.detach())
    model.unnormalise()
    raw = [
        score_alone(model, list(tree.prompt), list(branch))
        for tree in TREES
        for branch in tree.branches
    ]
    assert (model.shift.item(), model.scale.item()) == (0.0, 1.0)
    torch.testing.assert_close(model.scores(packed), torch.stack(raw))
    assert not torch.allclose(normalised, model.scores(packed))

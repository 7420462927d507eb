"""Learning from rankings without a reward model: what was ranked better becomes likelier than what
was ranked worse, measured from a reference that stays as it is (DPO, IPO, KTO).

One loop and one loss. What a step learns from comes from a `Source`: rankings that somebody gave
(`offline`), or the policy's own replies as a judge ranks them (`online`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from tutelage.algorithms.dpo import PreferenceConfig, preference_loss
from tutelage.algorithms.functional import masked_mean
from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_trees, rank_table, swapped_trees
from tutelage.data.order import batch_indices
from tutelage.device import autocast, seeded
from tutelage.errors import BadInput
from tutelage.model.language_model import (
    LanguageModel,
    imitation_loss,
    load_trainable,
    trainable,
    trainable_state,
)
from tutelage.model.optimiser import policy_optimiser, set_learning_rate, warmup_then_linear
from tutelage.policies.language import ROW_LENGTH, Replies, score_packed
from tutelage.protocols import ChatTokenizer
from tutelage.rollout.trajectories import differing, final_reward, grouped, judged, reply_kls
from tutelage.runs import Progress, Run
from tutelage.schema import Comparison, Trajectory
from tutelage.stages.keeper import Audit, Keeper, KeeperConfig
from tutelage.stages.policy import Practice, describe, sample_judged
from tutelage.text.packing import Packed, Tree, pack


@dataclass(frozen=True, kw_only=True)
class PreferConfig:
    learning_rate: float = 3e-4  # of Adam
    warmup: int = 10  # steps
    final_learning_rate: float = 0.1  # share of the first one left at the end
    max_grad_norm: float = 1.0
    mix_coefficient: float = 1.0  # weight of what is mixed in
    keeper: KeeperConfig = field(default_factory=KeeperConfig)

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "max_grad_norm")
        require(self, "at least 0", "warmup", "mix_coefficient")
        require(self, "from 0 to 1", "final_learning_rate")


@dataclass(frozen=True, kw_only=True)
class OfflineConfig:
    epochs: float = 1.0  # passes over the comparisons
    batch: int = 16  # prompts a step, each with all its responses
    swapped: float = 0.0  # share of examples whose rare copied words are swapped for others

    def __post_init__(self) -> None:
        require(self, "above 0", "epochs", "batch")
        require(self, "from 0 to 1", "swapped")


@dataclass(frozen=True, kw_only=True)
class OnlineConfig:
    steps: int = 60
    prompts_per_step: int = 128
    samples_per_prompt: int = 4
    max_new_tokens: int = 48
    temperature: float = 1.0
    missing_stop_penalty: float = 1.0  # off the score of a reply cut at the limit
    max_failure_rate: float = 0.1  # share of rollouts that may break before the stage stops

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "prompts_per_step", "max_new_tokens", "temperature")
        require(self, "at least 0", "missing_stop_penalty")
        require(self, "from 0 to 1", "max_failure_rate")
        if self.samples_per_prompt < 2:
            raise ValueError(
                "samples_per_prompt must be at least 2, or there is nothing to rank, "
                f"got {self.samples_per_prompt}"
            )


@dataclass(frozen=True)
class Ranked:
    """Prompts and their replies: a tree each, ranks, mask and the reference's log-probabilities of
    whole replies (P, K), as in bradley_terry_loss; kl: (), what KTO takes for KL(π‖ref)."""

    trees: Sequence[Tree]
    ranks: Tensor
    mask: Tensor
    reference_logprobs: Tensor
    kl: Tensor


@dataclass(frozen=True)
class Source:
    """steps: how many there are. draw: what a step learns from (None: nothing), and what is to be
    said of it; called with the policy as it is before that step."""

    steps: int
    draw: Callable[[int], tuple[Ranked | None, dict[str, float]]]


def prefer(
    run: Run,
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    source: Source,
    audit: Audit | None,
    preference: PreferenceConfig,
    config: PreferConfig,
    dtype: torch.dtype = torch.float32,
    stage: str = "prefer",
    mixed: Callable[[int], Iterator[Packed]] | None = None,
) -> Iterator[Progress]:
    """Train `gpt` on what the source ranks; keep the policy that did best in its audits (the
    last one without an audit); ends with checkpoints/<stage>.

    mixed: what is also imitated, a batch a step.
    """
    device = gpt.device
    optimiser = policy_optimiser(trainable(gpt), config.learning_rate)
    keeper = Keeper(run, stage, gpt, source.steps, audit, config.keeper)
    start = 0
    if state := keeper.resume():
        load_trainable(gpt, state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    began, seen = time.perf_counter(), 0
    for step in range(start, source.steps):
        if not keeper.is_patient:
            break
        warmup = min(config.warmup, source.steps // 5)
        factor = warmup_then_linear(step, source.steps, warmup, config.final_learning_rate)
        set_learning_rate(optimiser, config.learning_rate * factor)
        ranked, metrics = source.draw(step)
        if ranked is not None:
            logprobs = read_replies(gpt, ranked.trees, ranked.mask, tokenizer.pad, dtype)
            log_ratios = logprobs - ranked.reference_logprobs
            loss = preference_loss(log_ratios, ranked.ranks, ranked.mask, preference, ranked.kl)
            with autocast(device, dtype):
                shown = imitation_loss(gpt, next(mixed(step)).to(device)) if mixed else 0.0
            (loss + config.mix_coefficient * shown).backward()
            grad_norm = torch.nn.utils.clip_grad_norm_(gpt.parameters(), config.max_grad_norm)
            optimiser.step()
            optimiser.zero_grad()
            metrics |= {"train/loss": loss.item(), "train/grad_norm": grad_norm.item()}
            metrics |= _describe(log_ratios.detach(), ranked)
            seen += sum(map(len, ranked.trees))
        done = step + 1
        learned = {"model": trainable_state(gpt), "optimiser": optimiser.state_dict()}
        keeper.end_step(done, metrics, learned)
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, source.steps, metrics)
    keeper.finish(tokenizer)


def offline(
    gpt: LanguageModel,
    reference: LanguageModel,
    tokenizer: ChatTokenizer,
    comparisons: Sequence[Comparison],
    preference: PreferenceConfig,
    config: OfflineConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "prefer",
) -> Source:
    """Rankings as they were given, batch by batch.

    A prompt weighs 1 however many responses it has, its pairs alike; a tie is half a win for each
    side, so that it draws two responses back together that have moved apart, as it does in the
    reward model. KTO takes the first group of a ranking for good and the others for bad.
    """
    if not any(len(comparison.ranking) > 1 for comparison in comparisons):
        raise BadInput("No comparison says which response is better: there is nothing to learn.")
    device, context = gpt.device, gpt.context
    trees = comparison_trees(tokenizer, comparisons, context)
    several = [i for i, tree in enumerate(trees) if len(tree.branches) > 1]  # one alone has no rank
    comparisons, unchanged = [comparisons[i] for i in several], [trees[i] for i in several]
    swap = RareWordSwap(comparison.prompt for comparison in comparisons)
    ranks, mask = (table.to(device) for table in rank_table(comparisons))
    # A response to another prompt: what KTO measures the KL on where nothing is sampled.
    half = (len(unchanged) + 1) // 2
    others = unchanged[half:] + unchanged[:half]
    foreign = [Tree(t.prompt, o.branches[:1]) for t, o in zip(unchanged, others, strict=True)]
    one = torch.ones(len(foreign), 1, dtype=torch.bool, device=device)
    is_kto = preference.loss == "kto"

    @torch.no_grad()
    def read(model: LanguageModel, trees: Sequence[Tree], mask: Tensor) -> Tensor:
        return read_replies(model, trees, mask, tokenizer.pad, dtype)

    @cache  # once, when the first step needs them
    def known() -> tuple[Tensor, Tensor]:
        kept = read(reference, unchanged, mask)
        return kept, read(reference, foreign, one) if is_kto else kept

    size = min(config.batch, len(comparisons))

    def draw(step: int) -> tuple[Ranked, dict[str, float]]:
        chosen = batch_indices(len(comparisons), size, step, seed, stage)
        generator = seeded(seed, stage, step, "swap")
        trees = swapped_trees(
            tokenizer, comparisons, unchanged, chosen, swap, config.swapped, context, generator
        )
        kept, kept_foreign = known()
        reference_logprobs = kept[chosen]
        new = [place for place, i in enumerate(chosen) if trees[place] is not unchanged[i]]
        if new:
            its_mask = mask[[chosen[place] for place in new]]
            reference_logprobs[new] = read(reference, [trees[place] for place in new], its_mask)
        kl = torch.zeros((), device=device)
        if is_kto:
            now = read(gpt, [foreign[i] for i in chosen], one[chosen])
            kl = (now - kept_foreign[chosen]).mean()
        return Ranked(trees, ranks[chosen], mask[chosen], reference_logprobs, kl), {}

    return Source(max(1, math.ceil(len(comparisons) * config.epochs / size)), draw)


def online(
    gpt: LanguageModel,
    reference: LanguageModel,
    tokenizer: ChatTokenizer,
    practice: Practice,
    config: OnlineConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "prefer",
) -> Source:
    """The policy's own samples, each prompt's best against its worst by the judge's score.

    Of all pairs this is the one on which the judge is surest; those between would be labelled as
    firmly, though it hardly tells them apart. Prompts whose samples earn the same are left out.
    """
    device = gpt.device

    def draw(step: int) -> tuple[Ranked | None, dict[str, float]]:
        chosen = batch_indices(len(practice.prompts), config.prompts_per_step, step, seed, stage)
        part, count = practice.of(chosen), config.samples_per_prompt
        trajectories, broken = sample_judged(gpt, tokenizer, part, count, config, seed, stage, step)
        groups = grouped(differing(trajectories, config.missing_stop_penalty))
        metrics = describe(trajectories, broken)
        if not (answered := judged(trajectories)):
            return None, metrics
        kls = reply_kls(reference, answered, tokenizer.pad, config.temperature)
        kl = kls.mean().item()
        metrics |= {"rollout/learned": 2 * len(groups), "policy/kl": kl}
        if not groups:
            return None, metrics
        trees = [best_and_worst(group, config.missing_stop_penalty) for group in groups]
        ranks = torch.tensor([[0, 1]], device=device).expand(len(trees), 2)
        mask = torch.ones_like(ranks, dtype=torch.bool)
        with torch.no_grad():
            reference_logprobs = read_replies(reference, trees, mask, tokenizer.pad, dtype)
        kl_now = torch.tensor(kl, device=device)
        return Ranked(trees, ranks, mask, reference_logprobs, kl_now), metrics

    return Source(config.steps, draw)


def best_and_worst(group: Sequence[Trajectory], missing_stop_penalty: float) -> Tree:
    """A prompt's samples that earned most and least, as they were sampled; of equal ones the
    first."""

    def earned(trajectory: Trajectory) -> float:
        return final_reward(trajectory, missing_stop_penalty)

    ends = [max(group, key=earned), min(group, key=earned)]
    masks = [t.action_mask for t in ends]
    return Tree(group[0].prompt_tokens, [t.tokens for t in ends], branch_masks=masks)


def read_replies(
    gpt: LanguageModel,
    trees: Sequence[Tree],
    mask: Tensor,
    pad: int,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Log-probabilities of whole replies, the trees' branches; mask, result: (P, K). dtype: of
    matrix products, logits apart."""
    packed = pack(trees, ROW_LENGTH, pad).to(mask.device)
    replies = Replies(packed).steps(score_packed(gpt, packed, dtype=dtype)).sum(dim=1)
    return torch.zeros(mask.shape).to(replies).masked_scatter(mask, replies)


def _describe(log_ratios: Tensor, ranked: Ranked) -> dict[str, float]:
    """How often h orders a pair as it was ranked, of those that do not tie; and h of the best
    replies: below 0 they too have become less likely."""
    ranks, mask = ranked.ranks, ranked.mask
    better = (ranks[:, :, None] < ranks[:, None, :]) & mask[:, :, None] & mask[:, None, :]
    alike = log_ratios[:, :, None] > log_ratios[:, None, :]
    return {
        "train/ranked_alike": masked_mean(alike, better).item(),
        "train/pairs": better.sum().item(),
        "train/best_log_ratio": masked_mean(log_ratios, (ranks == 0) & mask).item(),
    }

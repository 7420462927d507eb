"""The doctor: rules over a reinforcement run's metrics; each names a sign, its cause and its cure.

A rule needs as many steps as make it sure. The thresholds leave room around what healthy runs
log: twelve stages of ten schools (their extremes are in the comments), and control tasks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from statistics import fmean

from tutelage.reports.history import FIRST, LAST, ROLLING, Column, History
from tutelage.reports.reading import Series, read_metrics
from tutelage.runs import Progress, write_json
from tutelage.wording import decimal, percent

SURE = 4.0  # standard errors; 3 in 100 000 by chance
LEAST_REPLIES = 100  # none of 100: less than 3 in 100 would, at 95 %
ROUNDING = 1e-3  # nats a token that sampling and scoring may differ by (ratio_tolerance)
COLLAPSED = 0.1  # share of the first entropy; healthy runs kept 0.41 of it
DEAD_STEPS, DEAD = 30, 1e-3  # a constant explains 0 but for rounding; healthy: 12 such in a row
ALIVE = 0.1  # explained once, it has learned; the best step of each healthy run: 0.29 or more
UNSTOPPED = 0.01  # share of replies
GROWN, PAYS = 1.3, 0.3  # length against the first; correlation of length and score in a prompt
SILENT_STEPS = 10  # in a row
# A clipped decision gives no gradient; 0.1 nats is ten times TRPO's usual trust region.
# Healthy: 0.016 and 0.003 on language, 0.06 and 0.005 on CartPole.
MOST_CLIPPED, MOST_KL = 0.4, 0.1
NO_EFFECT_STEPS, NO_EFFECT = 20, 1e-7  # nats a decision; healthy: 2e-5 in one of any 20 steps
MOST_BROKEN, LEAST_BROKEN = 0.02, 5  # share; rollouts in all
FALLEN, FALLEN_STEPS, FALLEN_SHARE = 0.5, 40, 0.25  # of the gain; at least; of all steps so far
FOOLED = 0.1  # share of right answers; the error of a difference of two audits of 200 is 0.04


def kl_negative(history: History) -> str | None:
    """The mean of log π − log ref over an audit's replies estimates a KL, which is never below 0.

    Below 0 by more than its error and by more than rounding adds up to over a reply.
    """
    kl, error = history["policy/kl"], history["policy/kl_error"]
    tokens, replies = history["rollout/tokens"], history["reward/count"]
    if not kl.steps or kl.steps[-1:] != error.steps[-1:] or not tokens.steps or not replies.steps:
        return None
    slack = SURE * error.values[-1] + ROUNDING * tokens.values[-1]
    if replies.values[-1] < LEAST_REPLIES / 4 or kl.values[-1] >= -slack:
        return None
    estimate, doubt = decimal(kl.values[-1], 3), decimal(2 * error.values[-1], 3)
    return f"the KL to the reference is estimated as {estimate} ± {doubt} nats a reply"


def entropy_collapsed(history: History) -> str | None:
    """A tenth of the first entropy, and yet no more reward than the first replies earned.

    A policy that became certain of the best reply is done, so the best sample of each prompt in
    the first steps must have earned more than replies earn now; where it was not logged, the reward
    must not have risen.
    """
    entropy, scored = history["policy/entropy"].ends(), _score(history).ends()
    if entropy is None or scored is None:
        return None
    first, now = map(fmean, entropy)
    if now >= COLLAPSED * first:
        return None
    best = history["reward/best"].values[:FIRST]
    could = best or scored[0]
    gain, slack = fmean(scored[1]) - fmean(could), 2 * math.hypot(*map(_error, (could, scored[1])))
    if gain > (-slack if best else slack):
        return None
    return f"the entropy fell from {decimal(first, 3)} to {decimal(now, 3)} nats a decision"


def critic_is_dead(history: History) -> str | None:
    """Explained variance at or below 0 in many steps, and never clearly above it before: where a
    policy becomes good, its returns grow alike and faster than a critic that has learned."""
    column = history["value/explained_variance"]
    explained = column.last(DEAD_STEPS)
    if not explained or max(explained) > DEAD or max(column.values) > ALIVE:
        return None
    return (
        f"the critic explained none of the returns' variance in {DEAD_STEPS} steps "
        f"(on average {decimal(fmean(explained), 2)})"
    )


def stop_is_never_sampled(history: History) -> str | None:
    """Of at least LEAST_REPLIES replies in FIRST steps or more, fewer than 1 in 100 stopped."""
    stopped, replies = history["rollout/stopped"].values, history["reward/count"].values
    shares, count = [], 0.0
    for share, of in zip(reversed(stopped), reversed(replies), strict=False):
        shares.append(share)
        count += of
        if len(shares) >= FIRST and count >= LEAST_REPLIES:
            break
    if len(shares) < FIRST or count < LEAST_REPLIES or max(shares) > UNSTOPPED:
        return None
    return f"{percent(fmean(shares))} of the last {count:,.0f} replies ended with the stop token"


def length_is_rewarded(history: History) -> str | None:
    """Replies grow, the score rises, and of a prompt's replies the longer ones score higher;
    unless an audit says that answers became better too."""
    tokens, score = history["rollout/tokens"].ends(), history["reward/mean"].ends()
    correlation = history["reward/length_correlation"].last(LAST)
    gold = history["audit/gold"].values
    if tokens is None or score is None or not correlation or fmean(correlation) < PAYS:
        return None
    if len(gold) > 1 and gold[-1] > gold[0]:
        return None
    (short, long), (low, high) = map(fmean, tokens), map(fmean, score)
    if long < GROWN * short or high - low < SURE * math.hypot(_error(score[0]), _error(score[1])):
        return None
    return (
        f"replies grew from {decimal(short)} to {decimal(long)} tokens, the score from "
        f"{decimal(low, 2)} to {decimal(high, 2)}, and in a prompt's samples length and score "
        f"correlate by {decimal(fmean(correlation), 2)}"
    )


def groups_agree(history: History) -> str | None:
    """No prompt's samples differ in what they earn, many steps in a row; unless every reply earns
    the most that the prompts' best ever did, for then the policy is done."""
    learned, means = history["rollout/learned"].last(SILENT_STEPS), history["reward/mean"].values
    if not learned or any(learned) or reward_is_constant(history):
        return None
    best = max(history["reward/best"].values, default=math.inf)
    if fmean(means[-SILENT_STEPS:]) >= best - 1e-9 * abs(best):
        return None
    return f"in {SILENT_STEPS} steps no prompt had two samples that earned differently"


def reward_is_constant(history: History) -> str | None:
    """Every step so far had the same mean, which differing scores do not give by chance."""
    means = history["reward/mean"].values
    if len(means) < SILENT_STEPS or max(means) - min(means) > 1e-9 * max(map(abs, means)):
        return None
    return f"the score was {decimal(means[0], 2)} in each of {len(means)} steps"


def steps_are_too_large(history: History) -> str | None:
    """Updates end far from the policy that sampled their data."""
    clipped = history["policy/clip_fraction"].last(LAST)
    kl = history["policy/approx_kl"].last(LAST)
    if clipped and fmean(clipped) > MOST_CLIPPED:
        return f"an update clips {percent(fmean(clipped))} of the decisions (mean of {LAST} steps)"
    if kl and fmean(kl) > MOST_KL:
        return f"an update moves {decimal(fmean(kl), 2)} nats a decision (mean of {LAST} steps)"
    return None


def updates_have_no_effect(history: History) -> str | None:
    """The policy is the same after many updates. Of an update with one optimiser step the
    approximate KL, taken before it, says nothing."""
    kl, rounds = history["policy/approx_kl"], history["policy/optimiser_steps"]
    moved = kl.last(NO_EFFECT_STEPS) if min(rounds.last(NO_EFFECT_STEPS), default=0) > 1 else []
    moved = moved or history["policy/kl_step"].last(NO_EFFECT_STEPS)
    if not moved or max(moved) >= NO_EFFECT:
        return None
    return f"the policy moved less than {NO_EFFECT:.0e} nats a decision in {NO_EFFECT_STEPS} steps"


def rollouts_break(history: History) -> str | None:
    """More than 1 in 50 gave no verdict."""
    failed, judged = history["rollout/failed"].last(LAST), history["reward/count"].last(LAST)
    if not failed or sum(failed) < LEAST_BROKEN:
        return None
    share = sum(failed) / (sum(failed) + sum(judged))
    if share <= MOST_BROKEN:
        return None
    return f"{percent(share)} of the rollouts of {LAST} steps broke"


def score_falls(history: History) -> str | None:
    """Long after its peak, the return of episodes (or the score of replies) is still below it by
    half of what had been gained, and by more than chance. A return that was never good is no sign.
    """
    column = _score(history)
    if not column.means:
        return None
    start, peak, now = column.means[0], column.means[column.peak], column.means[-1]
    low = peak - FALLEN * (peak - start)
    below = sum(1 for _ in takewhile(lambda mean: mean < low, reversed(column.means)))
    since = column.steps[-1] - column.steps[-below - 1] if below else 0.0
    if since < max(FALLEN_STEPS, FALLEN_SHARE * column.steps[-1]) or below < FALLEN_STEPS:
        return None
    at_peak = column.values[column.peak : column.peak + ROLLING]
    if peak - now < SURE * math.hypot(_error(at_peak), _error(column.values[-ROLLING:])):
        return None
    return (
        f"it rose from {decimal(start, 2)} to {decimal(peak, 2)} and has been lower for "
        f"{since:,.0f} steps, now {decimal(now, 2)}"
    )


def judge_is_fooled(history: History) -> str | None:
    """The score rises, gold success is below its best by FOOLED in two audits in a row."""
    gold, score = history["audit/gold"].values, history["reward/mean"].ends()
    if len(gold) < 3 or score is None:
        return None
    best = max(gold[:-2])
    if max(gold[-2:]) > best - FOOLED + 1e-9 or fmean(score[1]) <= fmean(score[0]):
        return None
    return (
        f"gold success fell from {percent(best)} to {percent(gold[-1])}, the score rose from "
        f"{decimal(fmean(score[0]), 2)} to {decimal(fmean(score[1]), 2)}"
    )


def _score(history: History) -> Column:
    """What the stage wants to raise."""
    return history["reward/mean"] if history["reward/mean"].steps else history["episode/return"]


def _error(values: Sequence[float]) -> float:
    """Standard error of the mean of steps."""
    mean = fmean(values)
    squares = sum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) * max(1, len(values) - 1)))


@dataclass(frozen=True)
class Rule:
    check: Callable[[History], str | None]  # what was seen, or None
    cause: str
    cure: str


RULES: dict[str, Rule] = {
    "KL negative": Rule(
        kl_negative,
        "The log-probabilities are not those of the policy that sampled: the sampler has other "
        "weights or another sampling setting.",
        "Give the sampler the newest weights and score with its own settings.",
    ),
    "entropy collapsed": Rule(
        entropy_collapsed,
        "The policy became certain before it was good, so its samples hold nothing better to "
        "learn from.",
        "Begin again with a lower learning rate, a higher kl_coefficient or a higher "
        "entropy_coefficient.",
    ),
    "dead critic": Rule(
        critic_is_dead,
        "The critic foresees nothing, so every advantage carries the whole noise of its return.",
        "Raise value_coefficient or value_clip_range; if its loss stays as it is, see that its "
        "weights are in the optimiser.",
    ),
    "stop token never sampled": Rule(
        stop_is_never_sampled,
        "The policy never learned to stop, or max_new_tokens is shorter than its replies.",
        "Fine-tune on demonstrations that end with the stop token, or raise max_new_tokens.",
    ),
    "length hacking": Rule(
        length_is_rewarded,
        "The judge pays for length, and the policy found out.",
        "Train the reward model on pairs balanced in length, or take a price a token off the "
        "score.",
    ),
    "zero-variance groups": Rule(
        groups_agree,
        "The samples of a prompt all earn the same, so nothing tells a better one and no update "
        "is made.",
        "Choose prompts that the policy gets right sometimes, or draw more samples of each; if "
        "the score cannot rise, it is done.",
    ),
    "constant reward": Rule(
        reward_is_constant,
        "The judge does not tell replies apart, or none has succeeded yet.",
        "Score a good and a bad reply by hand; if these differ, begin with easier prompts or a "
        "better model.",
    ),
    "steps too large": Rule(
        steps_are_too_large,
        "An update goes further than the data of the policy before it can vouch for.",
        "Lower the learning rate, or take fewer epochs or larger minibatches.",
    ),
    "updates without effect": Rule(
        updates_have_no_effect,
        "The learning rate is too small, or no gradient reaches the policy.",
        "Raise the learning rate; if that changes nothing, see that the policy's weights are in "
        "the optimiser.",
    ),
    "broken rollouts": Rule(
        rollouts_break,
        "The environment, the sandbox or the judge fails, and the policy learns from what is left.",
        "Read the reasons of the verdicts that failed, and mend what they name.",
    ),
    "score falls": Rule(
        score_falls,
        "The policy unlearned what it could: its steps are too large, or its critic lags behind.",
        "Lower the learning rate and let it end at 0, take fewer epochs, or keep the policy of "
        "the best audit.",
    ),
    "judge fooled": Rule(
        judge_is_fooled,
        "The policy raises the score by what the judge is wrong about.",
        "Raise kl_coefficient, keep the policy of the best audit, or rank fresh replies and train "
        "the reward model again.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """A sign that a rule saw, and the first step of the stage at which it did."""

    stage: str
    step: int
    sign: str
    seen: str
    cause: str
    cure: str


class Doctor:
    """Examines a run step by step; each rule reports at most once a stage.

    metrics: the run's metrics.jsonl, in which a stage that was cut off left its first steps.
    """

    def __init__(self, metrics: Path | None = None) -> None:
        self.metrics = metrics
        self.histories: dict[str, History] = {}
        self.reported: set[tuple[str, str]] = set()

    def observe(self, progress: Progress) -> list[Finding]:
        """The new findings of this step."""
        if progress.stage not in self.histories and self.metrics is not None:
            for step, row in _rows(read_metrics(self.metrics).get(progress.stage, {})):
                if step < progress.step:
                    self.examine(progress.stage, step, row)
        return self.examine(progress.stage, progress.step, progress.metrics)

    def examine(self, stage: str, step: float, row: Mapping[str, float]) -> list[Finding]:
        history = self.histories.setdefault(stage, History())
        history.add(step, row)
        new = []
        for sign, rule in RULES.items():
            if (stage, sign) not in self.reported and (seen := rule.check(history)):
                self.reported.add((stage, sign))
                new.append(Finding(stage, int(step), sign, seen, rule.cause, rule.cure))
        return new


def examined(metrics: Mapping[str, Series]) -> list[Finding]:
    """All findings of a run, as they came while it ran."""
    doctor = Doctor()
    return [
        finding
        for stage, series in metrics.items()
        for step, row in _rows(series)
        for finding in doctor.examine(stage, step, row)
    ]


def reinforced(metrics: Mapping[str, Series]) -> dict[str, int]:
    """The stages that the doctor knows something of, and their steps."""
    return {
        stage: int(max(line[-1][0] for line in series.values()))
        for stage, series in metrics.items()
        if "reward/mean" in series or "episode/return" in series
    }


def write_findings(run_folder: Path) -> None:
    """findings.json: what the metrics say, so the same however often the run was cut off."""
    findings = examined(read_metrics(run_folder / "metrics.jsonl"))
    write_json(run_folder / "findings.json", [asdict(finding) for finding in findings])


def _rows(series: Series) -> Iterator[tuple[float, dict[str, float]]]:
    """A stage's metrics step by step."""
    rows: dict[float, dict[str, float]] = {}
    for name, line in series.items():
        for step, value in line:
            rows.setdefault(step, {})[name] = value
    return iter(sorted(rows.items()))

"""What a teacher has, and how it is kept: the models, how far they are, and the state on disk from
which a killed teacher goes on."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from tutelage.algorithms import Algorithm
from tutelage.algorithms.raters import Raters, save_raters
from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_trees, pairs_right
from tutelage.data.ratings import rating_trees
from tutelage.errors import BadInput
from tutelage.evaluation.statistics import clustered_interval
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.choice import Posterior
from tutelage.labelling.labels import labels_with, mark_used
from tutelage.labelling.settings import get_value, put_value
from tutelage.labelling.store import Store
from tutelage.model.checkpoint import save_model
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel, load_trainable, trainable_state
from tutelage.model.optimiser import FusedAdam, MuonWithAdam
from tutelage.policies.language import LanguagePolicy
from tutelage.protocols import ChatTokenizer
from tutelage.rollout.trajectories import judged, reply_kls
from tutelage.runs import Run
from tutelage.schema import Comparison, Conversation, Demonstration, Rating, Trajectory
from tutelage.stages.labelled import (
    Lesson,
)
from tutelage.stages.reward import RewardConfig
from tutelage.taught import newest_taught, point_to, prune, write_version

STAGE = "teach"


@dataclass(frozen=True, kw_only=True)
class TeachConfig:
    labels: int = 32  # of one version, at most
    importance: int = 2  # steps of the reward model, or of SFT, that each new label is part of
    new_per_step: int = 8  # new labels in one such step, at most; earlier ones fill its batch
    reward_learning_rate: float = 3e-4  # of Muon
    steps: int = 2  # of the policy a version; one where other labels are waiting already
    prompts_per_step: int = 16
    samples_per_prompt: int = 4
    max_new_tokens: int = 48
    missing_stop_penalty: float = 1.0  # off the score of a reply cut at the limit
    learning_rate: float = 2e-4  # of the policy
    swapped: float = 0.0  # share of examples whose rare copied words are swapped for others
    left_out: float = 0.0  # share of a shown request's words that are left out, but copied ones
    held_out: int = 150  # the run's comparisons that the reward model's accuracy is measured on
    keep: int = 3  # versions whose folders stay
    poll_s: float = 0.1  # seconds between two looks for new labels

    def __post_init__(self) -> None:
        require(self, "above 0", "labels", "importance", "new_per_step", "reward_learning_rate")
        require(self, "above 0", "steps", "prompts_per_step", "max_new_tokens", "learning_rate")
        require(self, "above 0", "held_out", "poll_s")
        require(self, "at least 0", "missing_stop_penalty")
        require(self, "from 0 to 1", "swapped", "left_out")
        if self.samples_per_prompt < 2 or self.keep < 2:
            raise ValueError(
                "samples_per_prompt and keep must be at least 2, got "
                f"{self.samples_per_prompt} and {self.keep}"
            )


@dataclass(frozen=True)
class Ground:
    """What the run brings along. prompts: what the policy practises and labelers are asked on."""

    comparisons: Sequence[Comparison]
    held_out: Sequence[Comparison]
    demonstrations: Sequence[Demonstration]
    prompts: Sequence[Conversation]
    stage: str = ""  # the policy's, before the first version


@dataclass
class Learners:
    """The models that labels move, with what moves them."""

    tokenizer: ChatTokenizer
    reward_model: RewardModel
    algorithm: Algorithm
    reference: LanguageModel  # what the policy pays for moving away from
    raters: Raters
    reward_optimiser: MuonWithAdam
    rater_optimiser: FusedAdam

    @property
    def policy(self) -> LanguageModel:
        assert isinstance(self.algorithm.policy, LanguagePolicy)
        return self.algorithm.policy.actor


@dataclass
class Standing:
    """How far the teacher is: all that must agree with the weights."""

    version: int = 0
    last: int = 0  # id of the last label used
    policy_steps: int = 0
    accuracy: float = 0.0  # of the reward model on the held-out pairs
    pairs: int = 0  # how many those are
    ci95: list[float] | None = None  # of the accuracy; pairs of one prompt hang together
    used: list[int] = field(default_factory=list)  # labels of the last version
    too_long: list[int] = field(default_factory=list)  # of these, left out
    effect: dict[str, Any] = field(default_factory=dict)  # of the last version


@dataclass
class Classroom:
    """What the parts of one teacher share."""

    run: Run
    store: Store
    learners: Learners
    ground: Ground
    config: TeachConfig
    seed: int
    dtype: torch.dtype = torch.float32  # of matrix products
    standing: Standing = field(default_factory=Standing)
    lessons: dict[int, Lesson] = field(default_factory=dict)  # of the labels used so far
    doubt: tuple[int, Posterior] | None = None  # the version and what it was found for it

    def __post_init__(self) -> None:
        self.compared = RareWordSwap(c.prompt for c in self.ground.comparisons)
        self.shown = RareWordSwap(d.messages for d in self.ground.demonstrations)
        self.context = self.learners.policy.context


def new_learners(
    tokenizer: ChatTokenizer,
    reward_model: RewardModel,
    algorithm: Algorithm,
    reference: LanguageModel,
    raters: Raters | None = None,
) -> Learners:
    raters = (raters or Raters(())).to(reward_model.device)
    optimiser = MuonWithAdam(reward_model.parameter_groups(), RewardConfig.learning_rate)
    return Learners(
        tokenizer, reward_model, algorithm, reference, raters, optimiser, _rater_optimiser(raters)
    )


def seed_of(room: Classroom) -> tuple[int, str, int]:
    """On which alone the chance of the next version depends."""
    return room.seed, STAGE, room.standing.version + 1


def measure(room: Classroom) -> None:
    """Note which share of the held-out pairs the reward model puts as the labeler did; from then on
    these replies' scores have mean 0 and deviation 1."""
    learners, held_out, standing = room.learners, room.ground.held_out, room.standing
    model, tokenizer = learners.reward_model, learners.tokenizer
    trees = comparison_trees(tokenizer, held_out, model.context)
    scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees)
    counts = pairs_right(scores, held_out).values()
    model.normalise(scores)
    standing.pairs = sum(pairs for _, pairs in counts)
    standing.accuracy = sum(right for right, _ in counts) / max(1, standing.pairs)
    standing.ci95 = clustered_interval(counts)


def mean_kl_of(learners: Learners, trajectories: Sequence[Trajectory]) -> float:
    """Nats a reply that the policy is away from the reference."""
    return reply_kls(learners.reference, judged(trajectories), learners.tokenizer.pad).mean().item()


def meet_raters(learners: Learners, ratings: Sequence[Rating]) -> None:
    """Give each labeler who rates for the first time an offset, and a scale that is used for the
    first time its thresholds."""
    known = learners.raters
    pairs = [(rating.scale, rating.labeler) for rating in ratings]
    if all(pair in known.labelers for pair in pairs):
        return
    learners.raters = known.joined_by(pairs)
    scales = {scale for scale, _ in known.labelers}
    first = [rating for rating in ratings if rating.scale not in scales]
    if first:
        tokenizer, model = learners.tokenizer, learners.reward_model
        trees = rating_trees(tokenizer, first, model.context)
        scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees)
        # The thresholds belong to the scores as trained, not as normalised.
        learners.raters.begin(first, (scores * model.scale + model.shift).mean().item())
    learners.rater_optimiser = _rater_optimiser(learners.raters)


def _rater_optimiser(raters: Raters) -> FusedAdam:
    return FusedAdam(raters.parameters(), RewardConfig.rater_learning_rate, (0.9, 0.95), 1e-5)


def save(room: Classroom, metrics: Mapping[str, float]) -> None:
    """Write the version's folders, then its state. Once the state is saved the version counts."""
    learners, version = room.learners, room.standing.version

    def write_reward(folder: Path) -> None:
        save_model(folder, learners.reward_model, learners.tokenizer)
        if learners.raters.labelers:
            save_raters(folder, learners.raters)

    write_version(
        room.run.folder,
        version,
        lambda folder: save_model(folder, learners.policy, learners.tokenizer),
        write_reward,
    )
    room.run.log(STAGE, version, metrics)
    room.run.save_state(
        STAGE,
        {
            "step": version,
            "store": store_number(room.store),
            "standing": asdict(room.standing),
            "algorithm": learners.algorithm.state_dict(),
            "reward_model": trainable_state(learners.reward_model),
            "reward_optimiser": learners.reward_optimiser.state_dict(),
            "labelers": [list(pair) for pair in learners.raters.labelers],
            "raters": learners.raters.state_dict(),
            "rater_optimiser": learners.rater_optimiser.state_dict(),
        },
    )


def publish(room: Classroom) -> None:
    """What follows from the saved state; done again after a kill it changes nothing."""
    standing, folder = room.standing, room.run.folder
    newest = newest_taught(folder)
    if newest is None or newest.version != standing.version:
        point_to(folder, standing.version)
    unmarked = {label.id for label in labels_with(room.store, standing.used) if not label.used_at}
    too_long = unmarked & set(standing.too_long)
    if unmarked - too_long:
        mark_used(room.store, unmarked - too_long, standing.effect)
    if too_long:
        left_out = f"longer than the {room.context} tokens that the model reads"
        mark_used(room.store, too_long, standing.effect | {"left_out": left_out})
    prune(folder, room.config.keep)


def resume(room: Classroom) -> None:
    """Go on from the last saved state, if there is one."""
    learners, path = room.learners, f"{room.run.folder}/checkpoints/{STAGE}.resume.pt"
    try:
        state = room.run.load_state(STAGE)
        if state is None:
            newest = newest_taught(room.run.folder)
            room.standing = Standing(version=newest.version if newest else 0)
            return
        if state["store"] != store_number(room.store):
            raise BadInput(
                f"{room.run.folder} was taught from another database of labels: give that one with "
                f"--database, or delete {path} to begin again from the run's own stages."
            )
        learners.algorithm.load_state_dict(state["algorithm"])
        load_trainable(learners.reward_model, state["reward_model"])
        learners.reward_optimiser.load_state_dict(state["reward_optimiser"])
        learners.raters = Raters((scale, labeler) for scale, labeler in state["labelers"])
        learners.raters.load_state_dict(state["raters"])
        learners.rater_optimiser = _rater_optimiser(learners.raters)
        learners.rater_optimiser.load_state_dict(state["rater_optimiser"])
        room.standing = Standing(**state["standing"])
    except (RuntimeError, OSError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise BadInput(
            f"{path} cannot be read ({type(error).__name__}): delete it to begin again from the "
            "run's own stages; labels are kept."
        ) from None
    publish(room)


def store_number(store: Store) -> str:
    """What tells this database from others, wherever its file is moved."""
    number = get_value(store, "store_number")
    if number is None:
        number = uuid.uuid4().hex
        put_value(store, "store_number", number)
    return str(number)

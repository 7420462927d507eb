"""The teacher: new labels move the reward model, the reward model moves the policy.

Each round of `teach` takes the labels that came since the last one and makes a version of both
models. A version counts from the moment its state is saved: what a kill cuts off before that is
done again from the last state, and what it cuts off after that (the pointer, the marks in the
store) is made up for at the next start. So each label is used exactly once.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tutelage.data.order import batch_indices
from tutelage.device import seeded
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.counts import waiting_labels
from tutelage.labelling.labels import labels_after, standing_labels
from tutelage.labelling.records import Label
from tutelage.labelling.settings import read_settings
from tutelage.labelling.tasks import insert_tasks, newest_task
from tutelage.model.optimiser import set_learning_rate
from tutelage.schema import Comparison, Conversation, Rating
from tutelage.stages.classroom import (
    STAGE,
    Classroom,
    mean_kl_of,
    measure,
    meet_raters,
    publish,
    resume,
    save,
    seed_of,
)
from tutelage.stages.labelled import (
    Graded,
    Lesson,
    lessons_until,
    pack_graded,
    read_lessons,
    reward_batches,
    shown_batches,
)
from tutelage.stages.policy import PolicyConfig, Practice, policy_step
from tutelage.stages.questions import Asker, ask, doubt_of, kinds_wanted
from tutelage.stages.reward import RewardConfig, reward_step
from tutelage.stages.sft import IMITATED, SFTConfig, imitation_step

ENOUGH_S, NONE_FOUND_S = 1.0, 20.0  # until the queue is looked at again
DOUBT_EVERY, DOUBT_FROM = 20, 300  # versions; comparisons


@dataclass(frozen=True)
class Event:
    """What the teacher has just done: a step of the reward model (labels: those in it), of SFT or
    of the policy, a version (labels: all of it), or tasks added to the queue."""

    kind: Literal["reward", "sft", "policy", "version", "queue"]
    version: int
    labels: tuple[int, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


def teach(room: Classroom, *, once: bool = False) -> Iterator[Event]:
    """Teach as labels come, without end; once: until no label is left."""
    store, config, learners = room.store, room.config, room.learners
    resume(room)
    standing = room.standing
    found = lessons_until(store, standing.last, learners.tokenizer, room.context)
    room.lessons = {lesson.label: lesson for lesson in found}
    if not standing.pairs:
        measure(room)
    set_learning_rate(learners.algorithm.optimiser, config.learning_rate)
    set_learning_rate(learners.reward_optimiser, config.reward_learning_rate)
    rest_until = 0.0  # before that nothing is asked
    for number in itertools.count():
        fresh = labels_after(store, standing.last, config.labels)
        if fresh:
            there = standing_labels(store, room.lessons)  # not those taken back or erased
            room.lessons = {label: room.lessons[label] for label in room.lessons if label in there}
            yield from learn(room, fresh)
        added = None
        # Labels come before questions, as long as some of those are left.
        if time.monotonic() >= rest_until and not (fresh and any(waiting_labels(store).values())):
            added = fill_queue(room, number)
            if added:
                yield Event("queue", standing.version, metrics={"queue/added": added})
            else:
                rest_until = time.monotonic() + (ENOUGH_S if added is None else NONE_FOUND_S)
        if not fresh and not added:
            if once:
                return
            time.sleep(config.poll_s)


def fill_queue(room: Classroom, number: int) -> int | None:
    """A few tasks more where too few wait: how many were added; None where enough wait."""
    settings, waiting = read_settings(room.store), waiting_labels(room.store)
    barren: set[str] = set()  # kinds to which the policy says nothing that could be asked about
    # A teacher that begins again counts from 0 again: the newest task tells its draws from those of
    # the last one, which are in the queue already.
    seed = *seed_of(room), newest_task(room.store), number
    while kinds := kinds_wanted(settings, waiting, barren):
        tasks = ask(asker(room), room.ground.prompts, kinds, settings, *seed)
        _, added = insert_tasks(room.store, tasks)
        if added:
            return added
        barren |= set(kinds)
    return 0 if barren else None


def asker(room: Classroom) -> Asker:
    """Who has the questions now; its doubts are worked out anew from time to time, since features
    change slowly."""
    learners, version = room.learners, room.standing.version
    if room.doubt is None or version >= room.doubt[0] + DOUBT_EVERY:
        learned = comparisons(room)
        found = doubt_of(
            learners.reward_model, learners.tokenizer, learned, DOUBT_FROM, *seed_of(room)
        )
        room.doubt = version, found
    mean = learners.reward_model.last_layer.detach().double().cpu().numpy()
    doubt = replace(room.doubt[1], mean=mean)
    stage = room.ground.stage if version == 0 else f"{STAGE}_{version}"
    return Asker(learners.policy, learners.reward_model, learners.tokenizer, doubt, stage)


def graded_so_far(room: Classroom) -> list[Graded]:
    """What the reward model learns from: the run's own comparisons, and what labels grade."""
    said = (example for lesson in room.lessons.values() for example in lesson.graded)
    return [*room.ground.comparisons, *said]


def comparisons(room: Classroom) -> list[Comparison]:
    return [example for example in graded_so_far(room) if isinstance(example, Comparison)]


def learn(room: Classroom, fresh: Sequence[Label]) -> Iterator[Event]:
    """The next version, from these labels and those that come while the reward model learns."""
    learners, standing, config = room.learners, room.standing, room.config
    version, before = standing.version + 1, standing.accuracy
    metrics: dict[str, float] = {}
    new: list[Lesson] = []
    while fresh:
        came = fresh[-1]
        lessons = read_lessons(room.store, fresh, learners.tokenizer, room.context)
        for event in move_reward_model(room, lessons, version, len(new)):
            metrics |= event.metrics
            yield event
        new += lessons
        room.lessons |= {lesson.label: lesson for lesson in lessons}
        # Only as many as fit one batch, or the policy would never have its turn.
        left = min(config.labels, config.new_per_step) - len(new)
        fresh = labels_after(room.store, came.id, left) if left > 0 else []
    if any(lesson.graded for lesson in new):
        measure(room)
    for event in move_policy(room, new, version):
        metrics |= event.metrics
        yield event
    metrics |= {"teach/accuracy": standing.accuracy, "teach/accuracy_before": before}
    metrics["teach/labels"] = len(new)

    ids = tuple(lesson.label for lesson in new)
    standing.version, standing.last, standing.used = version, ids[-1], list(ids)
    standing.too_long = [lesson.label for lesson in new if lesson.too_long]
    standing.effect = {
        "accuracy_before": before,
        "accuracy_after": standing.accuracy,
        "pairs": standing.pairs,
        "ci95": standing.ci95,
        "n": len(ids),
        "comparisons": len(comparisons(room)),
        "version": version,
    }
    save(room, metrics)
    publish(room)
    metrics["teach/seconds"] = room.store.clock() - came.created_at
    yield Event("version", version, ids, metrics)


def move_reward_model(
    room: Classroom, new: Sequence[Lesson], version: int, part: int
) -> Iterator[Event]:
    """Each new ranking and rating is part of `importance` steps. part: of the version's labels,
    how many were learned before."""
    learners, config = room.learners, room.config
    settings = RewardConfig(swapped=config.swapped)
    graded = [example for lesson in new for example in lesson.graded]
    owner = {id(example): lesson.label for lesson in new for example in lesson.graded}
    earlier = graded_so_far(room)
    if not graded:
        return
    ratings = [example for example in (*earlier, *graded) if isinstance(example, Rating)]
    meet_raters(learners, [example for example in graded if isinstance(example, Rating)])
    learners.reward_model.unnormalise()  # its probabilities belong to the scores as trained
    batches = reward_batches(
        graded, earlier, config.importance, config.new_per_step, settings.batch,
        *seed_of(room), part,
    )  # fmt: skip
    for step, batch in enumerate(batches):
        packed, ranks, mask, rated = pack_graded(
            batch,
            room.compared,
            learners.tokenizer,
            room.context,
            settings,
            seeded(*seed_of(room), part, "swap", step),
        )
        metrics = reward_step(
            learners.reward_model,
            learners.reward_optimiser,
            learners.raters,
            learners.rater_optimiser,
            packed.to(learners.reward_model.device),
            ranks,
            mask,
            rated,
            len(earlier) + len(graded) if ratings else None,
            settings,
            room.dtype,
        )
        labels = {owner[id(example)] for example in batch if id(example) in owner}
        yield Event("reward", version, tuple(sorted(labels)), metrics)


def move_policy(room: Classroom, new: Sequence[Lesson], version: int) -> Iterator[Event]:
    """SFT steps on what was shown, then steps of reinforcement against the reward model. Other
    labels do not wait for more than one of these."""
    learners, config, standing = room.learners, room.config, room.standing
    shown = [example for lesson in new for example in lesson.shown]
    earlier = [
        *room.ground.demonstrations,
        *(
            example
            for lesson in room.lessons.values()
            for example in lesson.shown
            if lesson.label < new[0].label
        ),
    ]
    imitated = None
    settings = SFTConfig(batch=IMITATED, swapped=config.swapped, left_out=config.left_out)
    if shown or earlier:
        imitated = shown_batches(
            shown, earlier, config.new_per_step, room.shown, learners.tokenizer, room.context,
            settings, *seed_of(room),
        )  # fmt: skip
    steps = config.importance * math.ceil(len(shown) / config.new_per_step)
    for _ in range(steps):
        assert imitated is not None
        metrics = imitation_step(
            learners.policy,
            learners.algorithm.optimiser,
            next(imitated).to(learners.policy.device),
            settings.max_grad_norm,
            room.dtype,
        )
        yield Event("sft", version, metrics={"sft/loss": metrics["train/loss"]})
    practising = PolicyConfig(
        prompts_per_step=config.prompts_per_step,
        samples_per_prompt=config.samples_per_prompt,
        max_new_tokens=config.max_new_tokens,
        missing_stop_penalty=config.missing_stop_penalty,
    )
    judge = RewardModelJudge(learners.reward_model, learners.tokenizer.pad)
    last = new[-1].label
    for number in range(config.steps):
        if number and labels_after(room.store, last, 1):
            break
        trajectories, metrics = policy_step(
            learners.algorithm,
            learners.reference,
            learners.tokenizer,
            Practice(practice_prompts(room, new), judge),
            practising,
            (room.seed, STAGE, standing.policy_steps),
            imitated,
        )
        standing.policy_steps += 1
        metrics["policy/kl"] = mean_kl_of(learners, trajectories)
        yield Event("policy", version, metrics=metrics)


def practice_prompts(room: Classroom, new: Sequence[Lesson]) -> list[Conversation]:
    """The run's prompts in turn; a quarter are those that the new labels are about, so that the
    policy moves where it was told something."""
    count, prompts = room.config.prompts_per_step, room.ground.prompts
    most = room.context - room.config.max_new_tokens
    about = [
        prompt
        for prompt in dict.fromkeys(prompt for lesson in new for prompt in lesson.prompts())
        if len(room.learners.tokenizer.encode_prompt(prompt)) <= most
    ][: count // 4]
    chosen = batch_indices(len(prompts), count, room.standing.policy_steps, room.seed, STAGE)
    return [*about, *(prompts[i] for i in chosen[len(about) :])]

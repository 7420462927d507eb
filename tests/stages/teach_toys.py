"""A teacher of the world of four words, its store, and people who like one word."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tests.stages.toys import (
    REQUESTS,
    WORDS,
    demonstrations,
    taught_gpt,
    word_comparisons,
    word_tokenizer,
)
from tutelage.algorithms import ALGORITHMS
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.accounts import local_person
from tutelage.labelling.guidelines import current
from tutelage.labelling.labels import add_label
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.records import NewTask
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store, labels_url
from tutelage.labelling.tasks import add_tasks
from tutelage.model.gpt import GPT
from tutelage.model.heads import RewardModel
from tutelage.policies.language import LanguagePolicy, score_packed
from tutelage.runs import Run
from tutelage.schema import Comparison, ask
from tutelage.stages.classroom import Classroom, Ground, TeachConfig, new_learners
from tutelage.stages.teach import Event, teach
from tutelage.text.packing import Tree, pack

CONFIG = {
    "labels": 4,
    "importance": 2,
    "steps": 2,
    "prompts_per_step": 4,
    "max_new_tokens": 4,
    "reward_learning_rate": 0.02,
    "learning_rate": 5e-3,
    "poll_s": 0.01,
}


def open_store(folder: Path, queue_depth: int = 0) -> Store:
    store = Store(labels_url(folder))
    change_settings(store, None, queue_depth=queue_depth)
    return store


def best_before_ties(comparison: Comparison) -> Comparison:
    """As people here choose: which of the other words is worse they never say."""
    best, *others = comparison.ranking
    return replace(comparison, ranking=(best, tuple(i for group in others for i in group)))


def new_room(folder: Path, taught: Path, store: Store, **settings: Any) -> Classroom:
    """Of a policy that says each word as often and a reward model that knows nothing yet."""
    gpt, tokenizer = taught_gpt(taught), word_tokenizer()
    reward_model = RewardModel(copy.deepcopy(gpt), 0.0)
    entry = ALGORITHMS["ppo"]
    policy = LanguagePolicy(gpt, copy.deepcopy(reward_model))
    algorithm = entry.algorithm(policy, entry.settings(kl_coefficient=0.02))
    ground = Ground(
        comparisons=[],
        held_out=[best_before_ties(comparison) for comparison in word_comparisons()],
        demonstrations=demonstrations(),
        prompts=[ask(request) for request in REQUESTS],
        stage="sft",
    )
    learners = new_learners(tokenizer, reward_model, algorithm, copy.deepcopy(gpt))
    return Classroom(Run(folder), store, learners, ground, TeachConfig(**CONFIG | settings), 0)


def prefer(store: Store, number: int, best: str = "blue") -> int:
    """One person's choice of the best word for one of the requests; the label's id."""
    worse = [word for word in WORDS if word != best]
    value = {
        "prompt": [{"role": "user", "content": REQUESTS[number % 4]}],
        "responses": [*worse, best],
        "ranking": [[3], [0, 1, 2]],
    }
    return add_label(store, local_person(store).id, "choice", value, f"choice {number}").id


def rate(store: Store, number: int, word: str, good: bool) -> int:
    value = {
        "prompt": [{"role": "user", "content": REQUESTS[number % 4]}],
        "response": word,
        "good": good,
    }
    return add_label(store, local_person(store).id, "thumb", value, f"thumb {number}").id


def edit(store: Store, number: int, word: str) -> int:
    value = {
        "prompt": [{"role": "user", "content": REQUESTS[number % 4]}],
        "response": "red",
        "edited": word,
    }
    return add_label(store, local_person(store).id, "edit", value, f"edit {number}").id


def run_once(room: Classroom) -> list[Event]:
    return list(teach(room, once=True))


def demonstrate(store: Store, word: str) -> list[int]:
    """A task for each request, answered with the word."""
    person, current_hash = local_person(store).id, current(store).hash
    prompts = [[{"role": "user", "content": request}] for request in REQUESTS]
    add_tasks(store, [NewTask(kind="demonstrate", payload={"prompt": p}) for p in prompts])
    ids = []
    while assignment := claim(store, person, ["demonstrate"]):
        reply = {"role": "assistant", "content": word}
        value = {"messages": [*assignment.task.payload["prompt"], reply]}
        key = f"demonstration {assignment.id}"
        ids.append(submit(store, assignment.id, person, key, value, current_hash).id)
    return ids


def chance_of(gpt: GPT, word: str) -> float:
    """With which the policy answers a request with the word, on average."""
    tokenizer = word_tokenizer()
    reply = tokenizer.encode_reply(word)
    trees = [Tree(tokenizer.encode_prompt(ask(request)), [reply]) for request in REQUESTS]
    with torch.no_grad():
        logprobs = score_packed(gpt, pack(trees, 64, tokenizer.pad))
    return logprobs.view(len(REQUESTS), -1).sum(dim=1).exp().mean().item()


def score_of(model: RewardModel, word: str) -> float:
    """The reward model's score of the word, mean over the requests."""
    tokenizer = word_tokenizer()
    reply = tokenizer.encode_reply(word)
    trees = [Tree(tokenizer.encode_prompt(ask(request)), [reply]) for request in REQUESTS]
    return RewardModelJudge(model, tokenizer.pad).score_trees(trees).mean().item()

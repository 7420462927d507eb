"""The teacher: new labels move the reward model, the reward model moves the policy.

One round of the loop takes the labels that came since the last one and makes a version of both
models. A version counts from the moment its state is saved; whatever a kill cuts off before that is
done again from the last state, and whatever it cuts off after that (the pointer, the marks in the
store) is made up for at the next start. So each label is used exactly once.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from tutelage.algorithms import Algorithm
from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_trees, pairs_right
from tutelage.data.order import batch_indices
from tutelage.device import seeded
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.labels import labels_after, labels_with, mark_used, retracted_after
from tutelage.labelling.queue import get_tasks
from tutelage.labelling.store import Store
from tutelage.model.checkpoint import save_model
from tutelage.model.gpt import GPT
from tutelage.model.heads import RewardModel
from tutelage.model.optimiser import MuonWithAdam, set_learning_rate
from tutelage.rollout.language import LanguagePolicy, judged, reply_kls
from tutelage.runs import Run
from tutelage.schema import Comparison, Conversation, Demonstration
from tutelage.stages.labelled import Lesson, lesson_of, mixtures, reward_batch, shown_batches
from tutelage.stages.policy import PolicyConfig, policy_step
from tutelage.stages.reward import RewardConfig, reward_step
from tutelage.stages.sft import SFTConfig, imitation_step
from tutelage.taught import newest_taught, point_to, prune, write_version
from tutelage.text.tokenizer import Tokenizer

STAGE = "teach"

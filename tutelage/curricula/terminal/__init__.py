"""The terminal world: plain requests in, shell commands out, checked by what they do."""

from tutelage.curricula.terminal.check import check_answers, is_refusal
from tutelage.curricula.terminal.corpus import pretraining_corpus
from tutelage.curricula.terminal.curriculum import Terminal
from tutelage.curricula.terminal.tasks import (
    SPLITS,
    TerminalTask,
    demonstrations,
    sample_tasks,
)

__all__ = [
    "SPLITS",
    "Terminal",
    "TerminalTask",
    "check_answers",
    "demonstrations",
    "is_refusal",
    "pretraining_corpus",
    "sample_tasks",
]

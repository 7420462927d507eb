"""Sentences of the label pages: how much is left, what a label says, its effect on the model."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from tutelage.labelling.records import Label, Progress
from tutelage.labelling.values import RATING_FIELDS
from tutelage.wording import count, duration, percent, plural

KINDS = {
    "rank": ("Rank", "Put replies in order, from best to worst."),
    "rate": ("Rate", "Say how good one reply is, and what is wrong with it."),
    "demonstrate": ("Demonstrate", "Write the reply that the assistant should give."),
    "dialogue": ("Dialogue", "Play both sides of a conversation, with suggestions."),
}
QUESTIONS = {
    "fails_instruction": "Fails to follow the instruction",
    "inappropriate_for_assistant": "Inappropriate for a customer assistant",
    "hallucination": "Makes something up",
    "satisfies_constraint": "Satisfies the constraint in the request",
    "sexual_content": "Sexual content",
    "violent_content": "Violent content",
    "encourages_violence": "Encourages violence or self-harm",
    "denigrates_protected_class": "Denigrates a protected class",
    "harmful_advice": "Gives harmful advice",
    "expresses_opinion": "Expresses an opinion",
    "expresses_moral_judgment": "Expresses a moral judgment",
}
assert tuple(QUESTIONS) == RATING_FIELDS
SKIPS = (
    "I do not know this subject",
    "The request makes no sense",
    "It upsets me",
    "It holds somebody's private data",
    "The page shows it wrongly",
)
RECENT = 20  # labels from which the time of the next one is estimated


def work_left(progress: Progress, recent: Sequence[Label], held: int = 0) -> str:
    """`37 today, about 12 min of work left in this batch`, from the median active time of this
    person's last labels; without any, the number of tasks alone. held: tasks that are theirs."""
    tasks = progress.tasks_left + held
    if not tasks:
        return f"{count(progress.labels_today)} today, nothing left in this batch"
    times = [label.active_s for label in recent if label.retracted_at is None and label.task_id]
    left = plural(tasks, "task") + " left in this batch"
    if len(times) >= 3:
        seconds = tasks * statistics.median(times)
        minutes = max(1, round(seconds / 60))
        time = f"{count(minutes)} min" if minutes < 120 else f"{count(round(minutes / 60))} h"
        left = f"about {time} of work left in this batch ({plural(tasks, 'task')})"
    return f"{count(progress.labels_today)} today, {left}"


def effect_sentence(label: Label) -> str:
    """What a label did for the model, as far as it was measured."""
    if label.used_at is None:
        return ""
    effect = label.effect or {}
    if effect.get("left_out"):
        return f"Your label was left out of training: it is {effect['left_out']}."
    others, before = effect.get("n", 1) - 1, effect.get("accuracy_before")
    company = f" with {plural(others, 'other')}" if others > 0 else ""
    if before is None or not effect.get("pairs"):
        return f"Your label was used{company} in training."
    gap = f"{percent(before).removesuffix(' %')} → {percent(effect['accuracy_after'])}"
    accuracy = f"reward model accuracy {gap} (n = {count(effect['pairs'])})"
    return f"Your label was used{company}, {accuracy}."


def label_state(label: Label) -> str:
    if label.retracted_at is not None:
        return "taken back"
    return effect_sentence(label) or "waiting for the trainer"


def label_summary(label: Label) -> str:
    """A label's content in one short line."""
    return SUMMARIES[label.kind](label.value)


def _rank(value: Mapping[str, Any]) -> str:
    groups = value["ranking"]
    ties = sum(len(group) - 1 for group in groups)
    summary = f"{plural(sum(map(len, groups)), 'reply').replace('replys', 'replies')} ranked"
    summary = summary if groups else "not ranked"
    if ties:
        summary += f", {plural(ties, 'tie')}"
    if value["none_acceptable"]:
        summary += ", none acceptable" + (", one written" if value["written"] else "")
    return summary


def _rate(value: Mapping[str, Any]) -> str:
    ticked = [QUESTIONS[name].lower() for name in RATING_FIELDS if value["fields"][name]]
    return f"{value['overall']} of 7" + "".join(f", {name}" for name in ticked)


def _messages(value: Mapping[str, Any]) -> str:
    return plural(len(value["messages"]), "message")


SUMMARIES = {
    "rank": _rank,
    "rate": _rate,
    "demonstrate": _messages,
    "dialogue": _messages,
    "thumb": lambda value: "good" if value["good"] else "bad",
    "edit": lambda value: "a reply edited",
    "choice": lambda value: "one reply chosen over another",
    "answer": lambda value: "it was right" if value["right"] else "it was not right",
}


def can_undo(recent: Sequence[Label]) -> bool:
    """Whether one of these is of a task and stands, so that it can be taken back."""
    return any(label.assignment_id and not label.retracted_at for label in recent)


def active_time(label: Label) -> str:
    return duration(label.active_s) if label.active_s else "—"


def when(seconds: float) -> str:
    """UTC time of an epoch second, `2026-03-01 14:05`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def lowered(html: Markup, levels: int = 2) -> Markup:
    """Headings of a text that stands inside a page: so many levels lower than written."""
    return Markup(
        re.sub(r"(</?h)([1-6])", lambda m: f"{m[1]}{min(6, int(m[2]) + levels)}", str(html))
    )

"""Replies that a model proposes while people write, and rankings made of them for others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tutelage.labelling.records import Label, NewTask
from tutelage.labelling.tasks import add_tasks, dialogue_source
from tutelage.web.replies import start_reply
from tutelage.web.site import Site

TEMPERATURE = 1.0
ALTERNATIVES = 4  # replies of a ranking made from a dialogue


def suggest(
    site: Site, messages: Sequence[dict[str, Any]], count: int, known: Sequence[str] = ()
) -> list[str]:
    """Up to count replies of the newest policy, all different and none of them known; fewer where
    the model repeats itself, none where no model is served."""
    replies: list[str] = []
    if count < 1 or not site.models.names():
        return replies
    speaker = site.models.speaker()
    for _ in range(2 * count):
        reply, _read = start_reply(speaker, messages, site.options.max_new_tokens, TEMPERATURE)
        while not reply.ended:
            reply.next_text()
        if reply.text.strip() and reply.text not in (*replies, *known):
            replies.append(reply.text)
        if len(replies) == count:
            break
    return replies


def rank_dialogue(site: Site, label: Label, dice: random.Random) -> NewTask | None:
    """A task for others: one of the dialogue's model-written messages, picked at random, among
    alternatives to it (the way of ChatGPT's comparisons). The task is added to the queue; None
    where the dialogue has no such message or the model no other reply."""
    messages = label.value["messages"]
    taken = [
        entry
        for entry in label.value["suggested"]
        if entry["chosen"] is not None and entry["edited"] is None
    ]
    if not taken:
        return None
    entry = dice.choice(taken)
    prompt = messages[: entry["at"]]
    reply = messages[entry["at"]]["content"]
    others = [text for text in dict.fromkeys(entry["suggestions"]) if text != reply]
    others += suggest(site, prompt, ALTERNATIVES - 1 - len(others), (reply, *others))
    if not others:
        return None
    stage = site.models.names()[-1] if site.models.names() else ""
    replies = [reply, *others[: ALTERNATIVES - 1]]
    task = NewTask(
        kind="rank",
        payload={"prompt": prompt, "responses": replies, "stages": [stage] * len(replies)},
        topic="dialogue",
        source=dialogue_source(label.id),
        author_id=label.labeler_id,
    )
    add_tasks(site.store, [task])
    return task

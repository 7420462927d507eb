"""The manage pages, for admins: the queue and its policy, guidelines, gold questions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from tutelage.errors import BadInput
from tutelage.labelling import gold, guidelines, settings
from tutelage.labelling.counts import queue_state
from tutelage.labelling.overview import work_of_each
from tutelage.web import label_words as words
from tutelage.web.differences import guidelines_values
from tutelage.web.numbers import Number
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting

Text = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=200_000)]

# What an admin may set: the question, its unit, and how it is shown: times this, so many decimals.
POLICY: dict[str, tuple[str, str, float]] = {
    "order": ("Which task is given out first", "", 1),
    "overlap": ("Labels of each task, by different people", "people", 1),
    "gold_rate": ("Share of gold questions", "%", 100),
    "random_share": ("Share of pairs picked at random, not by information", "%", 100),
    "queue_depth": ("Labels that the teacher keeps waiting; at 0 it adds no tasks", "labels", 1),
    "rank_share": ("Of the tasks that it adds: rankings", "parts", 100),
    "rate_share": ("… ratings", "parts", 100),
    "demonstrate_share": ("… demonstrations", "parts", 100),
    "dialogue_share": ("… dialogues", "parts", 100),
    "replies": ("Replies of a ranking that it adds", "replies", 1),
    "lease_s": ("How long a task stays with somebody who does nothing", "min", 1 / 60),
    "cost_an_hour": ("What an hour of work costs", "", 1),
    "currency": ("In which currency", "", 1),
    "asks": ("The assistant may ask whether an action was right", "", 1),
    "ask_rate": ("Most questions for every hundred actions", "", 100),
    "ask_cost": ("What one question costs", "nats", 1),
}
ORDERS = {
    "priority": "the one worth most to the model",
    "oldest": "the oldest",
    "random": "any, at random",
}


def manage_page(
    request: Request, visitor: Visiting, site: Serving, saved: bool = False
) -> Response:
    """The queue as it stands and what it goes by."""
    chosen = settings.read_settings(site.store)
    work = work_of_each(site.store)
    hours = sum(one.active_s for one in work) / 3600
    state = queue_state(site.store)
    return page(
        request,
        "manage/queue.html",
        state=state,
        hours=hours,
        cost=hours * chosen.cost_an_hour,
        chosen=chosen,
        policy=[(name, *about, _setting_text(chosen, name)) for name, about in POLICY.items()],
        orders=ORDERS,
        kinds=words.KINDS,
        saved=saved,
    )


async def _policy(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Policy = Annotated[dict[str, str], Depends(_policy)]


def change_policy(visitor: Visiting, site: Serving, form: Policy) -> Response:
    """Every setting that the form holds; a tick that is not sent is off."""
    changes: dict[str, Any] = {}
    for name, (question, _, factor) in POLICY.items():
        kind = type(getattr(settings.Settings(), name))
        text = form.get(name, "").strip()
        if kind is bool:
            changes[name] = bool(text)
        elif kind is str:
            changes[name] = text
        else:
            changes[name] = _number(text, question, factor, kind)
    settings.change_settings(site.store, visitor.person.id, **changes)
    return RedirectResponse("/manage?saved=1", 303)


def guidelines_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    version: Annotated[str, Query(max_length=64)] = "",
    saved: bool = False,
) -> Response:
    """The editor, and what a version changed from the one before it."""
    values = guidelines_values(site.store, version)
    text = values["shown"].text
    return page(request, "manage/guidelines.html", text=text, saved=saved, words=words, **values)


def publish_guidelines(visitor: Visiting, site: Serving, text: Long) -> Response:
    """A new version, from the next task on."""
    text = text.replace("\r\n", "\n")
    if text == guidelines.current(site.store).text:
        raise BadInput("Nothing is different from the current version; change it, then publish.")
    guidelines.publish(site.store, visitor.person.id, text)
    return RedirectResponse("/manage/guidelines?saved=1", 303)


def gold_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    answers: Annotated[int, Query(ge=2, le=100)] = 3,
    agree: Annotated[int, Query(ge=50, le=100)] = 100,
) -> Response:
    """Tasks that enough people answered alike, the gold questions, and how people do on them."""
    candidates = gold.candidates(site.store, answers, agree / 100)
    return page(
        request,
        "manage/gold.html",
        candidates=candidates,
        questions=gold.gold_tasks(site.store),
        work=gold.gold_work(site.store),
        rate=settings.read_settings(site.store).gold_rate,
        answers=answers,
        agree=agree,
        excerpt=_excerpt,
        kinds=words.KINDS,
    )


def make_gold(
    visitor: Visiting,
    site: Serving,
    task: Annotated[list[int] | None, Form()] = None,
    answers: Annotated[int, Form(ge=2, le=100)] = 3,
    agree: Annotated[int, Form(ge=50, le=100)] = 100,
) -> Response:
    """The tasks that were ticked, with the answer that they were given."""
    if not task:
        raise BadInput("Tick the tasks that are to become gold questions first.")
    candidates = {c.task.id: c for c in gold.candidates(site.store, answers, agree / 100)}
    missing = [number for number in task if number not in candidates]
    if missing:
        raise BadInput(
            f"Task {missing[0]} is no longer answered alike by {answers} people; reload the page."
        )
    gold.make_gold(site.store, [candidates[number] for number in task], visitor.person.id)
    return RedirectResponse("/manage/gold", 303)


def retire_gold(visitor: Visiting, site: Serving, task: Annotated[Number, Form()]) -> Response:
    gold.retire_gold(site.store, task, visitor.person.id)
    return RedirectResponse("/manage/gold", 303)


def _excerpt(payload: dict[str, Any]) -> str:
    """What a task asks, in one line."""
    prompt = payload.get("prompt")
    text = prompt[-1]["content"] if isinstance(prompt, list) and prompt else str(prompt or "")
    return " ".join(text.split())[:120]


def _setting_text(chosen: settings.Settings, name: str) -> str | bool:
    value = getattr(chosen, name)
    if isinstance(value, bool | str):
        return value
    return f"{value * POLICY[name][2]:.6g}"


def _number(text: str, question: str, factor: float, kind: type) -> float | int:
    """A number as it was typed, in the setting's own unit."""
    try:
        number = float(text.replace(",", "."))
        whole = int(number)
    except (ValueError, OverflowError):
        raise BadInput(f"{question}: expected a number, got {text[:20]!r}.") from None
    if kind is int:
        if whole != number:
            raise BadInput(f"{question}: expected a whole number, got {text[:20]!r}.")
        return whole
    return number / factor

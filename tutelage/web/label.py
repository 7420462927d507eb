"""The label pages: what there is to do, one task at a time, and what came of it."""

from __future__ import annotations

import random
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Body, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from tutelage.errors import BadInput, LeaseLost
from tutelage.labelling import guidelines as guidelines_of
from tutelage.labelling import labels as labels_of
from tutelage.labelling import queue
from tutelage.labelling.counts import history, progress
from tutelage.labelling.overview import assignment_of, held_by, waiting_for
from tutelage.labelling.records import Assignment
from tutelage.labelling.values import messages_of, prompt_messages
from tutelage.web import label_words as words
from tutelage.web.differences import guidelines_values
from tutelage.web.errors import Refused, wants_page
from tutelage.web.label_forms import LETTERS, PAIRS, fields_of, one, shown_order, value_of
from tutelage.web.numbers import Number
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting, slow_down
from tutelage.web.site import Site
from tutelage.web.suggestions import rank_dialogue, suggest

OURS = ("csrf", "guidelines", "kind", "topic")  # fields of a form that are no answer
HISTORY = 50  # labels on a page
MOST_DRAFT = 200_000  # characters


async def form_fields(request: Request) -> dict[str, list[str]]:
    """Every field of a form with its texts."""
    form = await request.form()
    texts = {name: [v for v in form.getlist(name) if isinstance(v, str)] for name in form}
    return {name: values for name, values in texts.items() if values}


Kind = Annotated[str, Query(max_length=20)]
Topic = Annotated[str, Query(max_length=80)]
Form = Annotated[dict[str, list[str]], Depends(form_fields)]


def label_page(request: Request, visitor: Visiting, site: Serving, done: bool = False) -> Response:
    """What there is to do: tasks that are theirs already, then the others by kind and topic."""
    person = visitor.person.id
    waiting, held = waiting_for(site.store, person), held_by(site.store, person)
    recent = history(site.store, person, limit=words.RECENT)
    return page(
        request,
        "label/start.html",
        kinds=[
            (kind, *words.KINDS[kind], [w for w in waiting if w.kind == kind])
            for kind in words.KINDS
        ],
        waiting=sum(w.tasks for w in waiting),
        held=held,
        done=done,
        can_undo=words.can_undo(recent),
        left=words.work_left(progress(site.store, person), recent, len(held)),
        recent=recent[:5],
        words=words,
        guidelines=guidelines_of.current(site.store),
    )


def next_task(visitor: Visiting, site: Serving, kind: Kind = "", topic: Topic = "") -> Response:
    """Lease the next task and go to its page; a second request goes to the same task."""
    kinds, topics = [kind] if kind else None, [topic] if topic else None
    assignment = queue.claim(site.store, visitor.person.id, kinds, topics)
    if assignment is None:
        return RedirectResponse("/label?done=1", 303)
    return RedirectResponse(_address(f"/label/task/{assignment.id}", kind, topic), 303)


def task_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    assignment: Number,
    kind: Kind = "",
    topic: Topic = "",
) -> Response:
    """The task of a lease of one's own, with what was written before."""
    try:
        held = queue.heartbeat(site.store, assignment, visitor.person.id)
    except LeaseLost as error:
        return _lost_page(request, site, visitor.person.id, assignment, str(error))
    return _task_page(request, site, held, kind, topic)


def submit(
    request: Request, visitor: Visiting, site: Serving, assignment: Number, form: Form
) -> Response:
    """Store the label. The page of an incomplete one names what is missing and keeps the form."""
    store, person = site.store, visitor.person.id
    kind, topic = one(form, "kind"), one(form, "topic")
    fields = {name: values for name, values in form.items() if name not in OURS}
    try:
        task = assignment_of(store, assignment, person).task
        value = value_of(task, fields, shown_order(task, person))
        key = f"assignment {assignment}"  # of the lease, so that a form sent twice counts once
        label = queue.submit(store, assignment, person, key, value, one(form, "guidelines"))
    except BadInput as error:
        if not wants_page(request):
            raise
        held = queue.save_draft(store, assignment, person, {"form": fields})
        return _task_page(request, site, held, kind, topic, problem=str(error))
    answer = _redirect(request, _address("/label/next", kind, topic), label=label.id)
    if label.kind == "dialogue":  # its alternatives may have to be written first
        answer.background = BackgroundTask(rank_dialogue, site, label, random.Random())
    return answer


def save_draft(
    visitor: Visiting,
    site: Serving,
    assignment: Number,
    fields: Annotated[dict[str, list[str]], Body(embed=True)],
) -> dict[str, Any]:
    """Keep the form as it stands."""
    if sum(len(value) for values in fields.values() for value in values) > MOST_DRAFT:
        raise BadInput(f"A draft has at most {MOST_DRAFT:,} characters; shorten it to keep it.")
    held = queue.save_draft(site.store, assignment, visitor.person.id, {"form": fields})
    return {"left_s": _left_s(site, held)}


def heartbeat(visitor: Visiting, site: Serving, assignment: Number) -> dict[str, Any]:
    """The task is being worked on."""
    held = queue.heartbeat(site.store, assignment, visitor.person.id)
    return {"left_s": _left_s(site, held)}


def skip(
    request: Request, visitor: Visiting, site: Serving, assignment: Number, form: Form
) -> Response:
    reason = one(form, "other").strip() or one(form, "reason").strip()
    if not reason:
        raise BadInput("Say why you skip this task: choose a reason or write one.")
    queue.skip(site.store, assignment, visitor.person.id, reason)
    return _redirect(request, _address("/label/next", one(form, "kind"), one(form, "topic")))


def undo(request: Request, visitor: Visiting, site: Serving) -> Response:
    """Take the last label back and open its task again, with the answer as it was."""
    held = queue.undo(site.store, visitor.person.id)
    if held is None:
        raise Refused(409, "There is no label of yours to take back.")
    return _redirect(request, f"/label/task/{held.id}")


def suggestions(
    visitor: Visiting,
    site: Serving,
    assignment: Number,
    messages: Annotated[list[dict[str, Any]], Body(embed=True)],
) -> dict[str, Any]:
    """Replies that a model proposes for the next turn of a dialogue."""
    held = queue.heartbeat(site.store, assignment, visitor.person.id)
    if held.task.kind != "dialogue":
        raise BadInput("Only a dialogue has suggestions.")
    conversation = messages_of(messages, "The dialogue", ends_with="other")
    slow_down(site.generations.wait_s(f"person {visitor.person.id}"))
    return {"suggestions": suggest(site, conversation, held.task.payload["suggestions"])}


def effects(
    visitor: Visiting,
    site: Serving,
    since: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0.0,
) -> dict[str, Any]:
    """What one's labels did for the model since a time, the latest first."""
    used = labels_of.label_effects(site.store, visitor.person.id, since, limit=10)
    sentences = [{"label": label.id, "sentence": words.effect_sentence(label)} for label in used]
    latest = max((label.used_at or since for label in used), default=since)
    return {"since": latest, "effects": sentences}


def history_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
) -> Response:
    """One's own labels, the latest first."""
    rows = history(site.store, visitor.person.id, HISTORY, before)
    more = rows[-1].id if len(rows) == HISTORY else None
    return page(
        request,
        "label/history.html",
        labels=rows,
        more=more,
        can_undo=words.can_undo(rows),
        words=words,
    )


def guidelines_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    version: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """A version of the guidelines, and what is different in it from the one before."""
    values = guidelines_values(site.store, version)
    return page(request, "label/guidelines.html", words=words, **values)


def _task_page(
    request: Request, site: Site, held: Assignment, kind: str, topic: str, problem: str = ""
) -> Response:
    store, payload = site.store, held.task.payload
    order = shown_order(held.task, held.labeler_id)
    recent = history(store, held.labeler_id, limit=words.RECENT)
    current = guidelines_of.current(store)
    seen = next((label.guidelines for label in recent if label.guidelines), current.hash)
    replies = payload.get("responses") or [payload.get("response", "")]
    used = next((label for label in recent if label.used_at is not None), None)
    return page(
        request,
        "label/task.html",
        held=held,
        task=held.task.kind,
        style=payload.get("style", ""),
        use_case=payload.get("use_case") or "",
        opening=payload.get("opening", ""),
        suggested=payload.get("suggestions", 0),
        prompt=prompt_messages(payload.get("prompt")),
        replies=[replies[index] for index in order] or replies,
        letters=LETTERS,
        fields=fields_of(held.task, held.draft, order),
        pairs=PAIRS,
        left_s=_left_s(site, held),
        can_undo=words.can_undo(recent),
        left=words.work_left(
            progress(store, held.labeler_id), recent, len(held_by(store, held.labeler_id))
        ),
        used=words.effect_sentence(used) if used else "",
        used_since=max((label.used_at or 0.0 for label in recent), default=0.0),
        guidelines=current,
        guidelines_changed=seen != current.hash,
        kind=kind,
        topic=topic,
        words=words,
        problem=problem,
        status_code=400 if problem else 200,
    )


def _lost_page(request: Request, site: Site, person: int, assignment: int, why: str) -> Response:
    recent = history(site.store, person, limit=words.RECENT)
    given = any(label.assignment_id == assignment for label in recent)
    if given:
        why = "You have answered this task. Take the answer back to change it."
    return page(request, "label/gone.html", why=why, given=given, status_code=409)


def _redirect(request: Request, address: str, **values: Any) -> Response:
    """To the next page: by a redirect for a plain form, named in JSON for a script."""
    if wants_page(request):
        return RedirectResponse(address, 303)
    return JSONResponse({"next": address, **values})


def _address(path: str, kind: str, topic: str) -> str:
    chosen = {key: value for key, value in (("kind", kind), ("topic", topic)) if value}
    return f"{path}?{urlencode(chosen)}" if chosen else path


def _left_s(site: Site, held: Assignment) -> int:
    """Seconds that the lease still lasts."""
    return max(0, round(held.leased_until - site.store.clock()))

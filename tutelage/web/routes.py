"""Every address of the site: its method, path and function, who may ask, and how much they send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Depends

from tutelage.web import (
    api,
    chat,
    label,
    manage,
    manage_agreement,
    manage_audit,
    manage_data,
    manage_people,
    password,
    runs,
    welcome,
)
from tutelage.web.security import (
    MOST_BYTES,
    SAFE,
    check_csrf,
    find_caller,
    need_admin,
    need_person,
    raise_refusal,
)

Who = Literal["anyone", "person", "admin", "key"]


NEEDS: dict[Who, list[Callable[..., Any]]] = {
    "anyone": [],
    "person": [need_person],
    "admin": [need_admin],
    "key": [find_caller],
}


@dataclass(frozen=True)
class Route:
    """A route. Whatever changes something needs a CSRF token, without saying so here."""

    method: str
    path: str
    function: Callable[..., Any]
    who: Who = "person"
    most_bytes: int = MOST_BYTES  # of the request's body

    def dependencies(self) -> Sequence[Any]:
        needs: list[Any] = [raise_refusal, *NEEDS[self.who]]
        if self.method not in SAFE and self.who != "key":  # a key travels in no cookie
            needs.append(check_csrf)
        return [Depends(need) for need in needs]


ROUTES = (
    Route("GET", "/", welcome.home),
    Route("GET", "/sign-in", welcome.sign_in_page, "anyone"),
    Route("POST", "/sign-in", welcome.sign_in, "anyone"),
    Route("POST", "/sign-out", welcome.sign_out),
    Route("GET", "/password", password.password_page),
    Route("POST", "/password", password.change_password),
    Route("GET", "/invitation/{token}", welcome.invitation_page, "anyone"),
    Route("POST", "/invitation/{token}", welcome.accept, "anyone"),
    Route("GET", "/chat", chat.chat_page),
    Route("POST", "/chat/say", chat.say),
    Route("POST", "/chat/redo", chat.redo),
    Route("POST", "/chat/stop", chat.stop),
    Route("POST", "/chat/thumb", chat.thumb),
    Route("POST", "/chat/edit", chat.edit),
    Route("POST", "/chat/choose", chat.choose),
    Route("POST", "/chat/run", chat.run),
    Route("POST", "/chat/answer", chat.answer),
    Route("GET", "/chat/{number}", chat.conversation_page),
    Route("DELETE", "/chat/{number}", chat.delete),
    Route("GET", "/chat/{number}/export", chat.export),
    Route("POST", "/chat/{number}/share", chat.share),
    Route("POST", "/chat/{number}/unshare", chat.unshare),
    Route("GET", "/shared/{token}", chat.shared_page, "anyone"),
    Route("GET", "/label", label.label_page),
    Route("GET", "/label/next", label.next_task),
    Route("GET", "/label/task/{assignment}", label.task_page),
    Route("POST", "/label/task/{assignment}", label.submit),
    Route("POST", "/label/task/{assignment}/draft", label.save_draft),
    Route("POST", "/label/task/{assignment}/beat", label.heartbeat),
    Route("POST", "/label/task/{assignment}/skip", label.skip),
    Route("POST", "/label/task/{assignment}/suggestions", label.suggestions),
    Route("POST", "/label/undo", label.undo),
    Route("GET", "/label/effects", label.effects),
    Route("GET", "/label/history", label.history_page),
    Route("GET", "/label/guidelines", label.guidelines_page),
    Route("GET", "/runs", runs.runs_page),
    Route("GET", "/runs/compare", runs.compare_page),
    Route("GET", "/runs/{name}", runs.run_page),
    Route("GET", "/runs/{name}/live", runs.live),
    Route("GET", "/plotly.js", runs.plotly, "anyone"),
    Route("GET", "/v1/models", api.list_models, "key"),
    Route("GET", "/v1/models/{name:path}", api.get_model, "key"),
    Route("POST", "/v1/chat/completions", api.chat_completions, "key"),
    Route("POST", "/v1/completions", api.completions, "key"),
    Route("GET", "/manage", manage.manage_page, "admin"),
    Route("POST", "/manage", manage.change_policy, "admin"),
    Route("GET", "/manage/guidelines", manage.guidelines_page, "admin"),
    Route("POST", "/manage/guidelines", manage.publish_guidelines, "admin"),
    Route("GET", "/manage/gold", manage.gold_page, "admin"),
    Route("POST", "/manage/gold", manage.make_gold, "admin"),
    Route("POST", "/manage/gold/retire", manage.retire_gold, "admin"),
    Route("GET", "/manage/people", manage_people.people_page, "admin"),
    Route("POST", "/manage/people/invite", manage_people.invite, "admin"),
    Route("POST", "/manage/invitations/{number}/revoke", manage_people.revoke_invitation, "admin"),
    Route("POST", "/manage/people/{number}/role", manage_people.change_role, "admin"),
    Route("POST", "/manage/people/{number}/active", manage_people.set_active, "admin"),
    Route("GET", "/manage/people/{number}/data", manage_people.person_data, "admin"),
    Route("GET", "/manage/people/{number}/delete", manage_people.erase_page, "admin"),
    Route("POST", "/manage/people/{number}/delete", manage_people.erase, "admin"),
    Route("GET", "/manage/keys", manage_people.keys_page, "admin"),
    Route("POST", "/manage/keys", manage_people.make_key, "admin"),
    Route("POST", "/manage/keys/revoke", manage_people.revoke_key, "admin"),
    Route("GET", "/manage/agreement", manage_agreement.agreement_page, "admin"),
    Route("GET", "/manage/agreement/live", manage_agreement.live, "admin"),
    Route("GET", "/manage/data", manage_data.data_page, "admin"),
    Route("POST", "/manage/data", manage_data.bring_in, "admin", manage_data.MOST_UPLOAD),
    Route("GET", "/manage/data/export", manage_data.take_out, "admin"),
    Route("GET", "/manage/audit", manage_audit.audit_page, "admin"),
)

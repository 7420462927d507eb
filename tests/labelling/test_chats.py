"""What is said of a chat's messages, and what is kept with them."""

from __future__ import annotations

import pytest

from tests.labelling.world import asked, person
from tutelage.errors import BadInput
from tutelage.labelling import conversations
from tutelage.labelling.labels import add_thumb, labels_after, standing_labels
from tutelage.labelling.store import Store


def test_another_thumb_takes_the_place_of_the_first(store: Store):
    me, other = person(store, "Ada").id, person(store, "Bo").id
    value = {"prompt": asked("hi"), "response": "hm", "good": True, "message": 7}
    first = add_thumb(store, me, value, "a")
    assert add_thumb(store, me, value, "b") == first
    theirs = add_thumb(store, other, value, "a")
    elsewhere = add_thumb(store, me, value | {"message": 8}, "c")
    nowhere = add_thumb(store, me, value | {"message": None}, "d")
    last = add_thumb(store, me, value | {"good": False}, "e")
    kept = [label.id for label in labels_after(store, 0)]
    assert kept == [theirs.id, elsewhere.id, nowhere.id, last.id]
    assert standing_labels(store, [first.id, last.id]) == {last.id}


def test_changes_of_a_message_are_merged(store: Store):
    me = person(store, "Ada").id
    talk = conversations.new_conversation(store, me)
    said = conversations.add_message(store, talk.id, me, "assistant", "hm", detail={"version": 1})
    conversations.update_detail(store, said.id, me, {"thumb": True})
    changed = conversations.update_detail(store, said.id, me, {"output": "a.txt", "version": 2})
    assert changed.detail == {"version": 2, "thumb": True, "output": "a.txt"}
    with pytest.raises(BadInput, match="What belongs to a message"):
        conversations.update_detail(store, said.id, me, {"output": "x" * 200_000})

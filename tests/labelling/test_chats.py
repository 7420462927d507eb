"""What is said of a chat's messages, and what is kept with them."""

from __future__ import annotations

from tests.labelling.world import asked, person
from tutelage.labelling.labels import add_thumb, labels_after, retracted_after
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
    assert [label.id for label in retracted_after(store, 0.0)] == [first.id]

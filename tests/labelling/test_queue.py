"""Leases, drafts, answers, undo: one person at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.labelling.conftest import Clock
from tests.labelling.world import BEST_FIRST, RATED, SEEN, answer, asked, person, rank_task
from tutelage.errors import BadInput, LeaseLost, NotAllowed
from tutelage.labelling import queue
from tutelage.labelling.accounts import set_active
from tutelage.labelling.counts import history, progress, queue_state
from tutelage.labelling.labels import labels_after, standing_labels
from tutelage.labelling.overview import waiting_for
from tutelage.labelling.records import NewTask
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labels, tasks
from tutelage.labelling.tasks import add_tasks, dialogue_source, get_tasks


def test_the_same_task_is_added_once(store: Store):
    first = add_tasks(store, [rank_task(0), rank_task(1), rank_task(0)])
    assert first[0] == first[2] != first[1]
    assert add_tasks(store, [rank_task(1, priority=9), rank_task(2)])[0] == first[1]
    assert queue_state(store).waiting == {"rank": 3}
    assert get_tasks(store, first)[first[1]].priority == 0


def test_highest_priority_first_then_oldest(store: Store):
    ids = add_tasks(store, [rank_task(i, priority=p) for i, p in enumerate((9, 5, 5, 2))])
    me = person(store, "me").id
    given = [answer(store, me, str(n)).task_id for n in range(4)]
    assert given == [ids[0], ids[1], ids[2], ids[3]]
    assert queue.claim(store, me) is None


def test_kinds_and_topics_are_chosen(store: Store):
    rate = NewTask(kind="rate", topic="sums", payload={"prompt": asked("1 + 1"), "response": "2"})
    add_tasks(store, [rank_task(0), rate, rank_task(1, topic="poems")])
    me = person(store, "me").id
    lease = queue.claim(store, me, kinds=["rate"])
    assert lease is not None
    assert lease.task.topic == "sums"
    poems = queue.claim(store, me, topics=["poems"])
    assert poems is not None
    assert poems.task.payload["prompt"] == asked("request 1")
    assert queue.claim(store, me, kinds=["dialogue"]) is None
    with pytest.raises(BadInput, match="no tasks of kind 'sing'"):
        queue.claim(store, me, kinds=["sing"])


def test_an_open_lease_comes_back_first_and_lasts_again(store: Store, clock: Clock):
    add_tasks(store, [rank_task(i) for i in range(3)])
    me, you = person(store, "me").id, person(store, "you").id
    mine = queue.claim(store, me, lease_s=100)
    assert mine is not None
    clock.now += 90
    again = queue.claim(store, me)
    assert again is not None
    assert (again.id, again.leased_until) == (mine.id, clock.now + 100)
    yours = queue.claim(store, you)
    assert yours is not None
    assert yours.task.id != mine.task.id


def test_an_expired_lease_returns_and_its_draft_stays(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    mine = queue.claim(store, me, lease_s=100)
    assert mine is not None
    queue.save_draft(store, mine.id, me, {"half": "done"})
    clock.now += 101
    yours = queue.claim(store, you)
    assert yours is not None
    assert yours.task.id == mine.task.id
    assert yours.draft is None
    for call in (
        lambda: queue.submit(store, mine.id, me, "k", BEST_FIRST, SEEN),
        lambda: queue.save_draft(store, mine.id, me, {"more": 1}),
        lambda: queue.heartbeat(store, mine.id, me),
    ):
        with pytest.raises(LeaseLost, match="given to somebody else"):
            call()
    queue.skip(store, yours.id, you, "not for me")
    back = queue.claim(store, me)
    assert back is not None
    assert back.draft == {"more": 1}


def test_what_came_too_late_is_kept_as_draft(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    mine = queue.claim(store, me, lease_s=100)
    assert mine is not None
    clock.now += 101
    yours = queue.claim(store, you)
    assert yours is not None
    with pytest.raises(LeaseLost):
        queue.submit(store, mine.id, me, "k", BEST_FIRST, SEEN)
    assert labels_after(store, 0) == []
    queue.skip(store, yours.id, you, "too hard")
    # Nobody holds it any more: the same submit, sent again, now counts.
    label = queue.submit(store, mine.id, me, "k", BEST_FIRST, SEEN)
    assert label.task_id == mine.task.id
    assert queue.claim(store, you) is None


def test_an_expired_lease_nobody_wanted_is_still_good(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0)])
    me = person(store, "me").id
    mine = queue.claim(store, me, lease_s=100)
    assert mine is not None
    clock.now += 5000
    assert queue.submit(store, mine.id, me, "k", BEST_FIRST, SEEN).task_id == mine.task.id


def test_a_submit_sent_twice_is_one_label(store: Store):
    add_tasks(store, [rank_task(0), rank_task(1)])
    me, you = person(store, "me").id, person(store, "you").id
    lease = queue.claim(store, me)
    assert lease is not None
    first = queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN)
    assert queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN) == first
    with pytest.raises(BadInput, match="already submitted with other content"):
        queue.submit(store, lease.id, me, "k", {"ranking": [[1], [0]]}, SEEN)
    with pytest.raises(LeaseLost, match="submitted already; undo it"):
        queue.submit(store, lease.id, me, "another", BEST_FIRST, SEEN)
    assert answer(store, you, "k").id != first.id  # a key is one person's
    assert len(labels_after(store, 0)) == 2


def test_nobody_submits_for_another(store: Store):
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    lease = queue.claim(store, me)
    assert lease is not None
    for call in (
        lambda: queue.submit(store, lease.id, you, "k", BEST_FIRST, SEEN),
        lambda: queue.save_draft(store, lease.id, you, {}),
        lambda: queue.heartbeat(store, lease.id, you),
        lambda: queue.skip(store, lease.id, you, "no"),
    ):
        with pytest.raises(BadInput, match="not one of yours"):
            call()
    with pytest.raises(BadInput, match="no version that is known"):
        queue.submit(store, lease.id, me, "k", BEST_FIRST, "0" * 64)


def test_overlap_asks_that_many_people_each_once(store: Store):
    [task] = add_tasks(store, [rank_task(0, overlap=2)])
    people = [person(store, name).id for name in ("a", "b", "c")]
    assert answer(store, people[0], "k").task_id == task
    assert queue.claim(store, people[0]) is None
    assert progress(store, people[0]).tasks_left == 0
    assert progress(store, people[1]).tasks_left == 1
    assert answer(store, people[1], "k").task_id == task
    assert queue.claim(store, people[2]) is None
    assert progress(store, people[2]).tasks_left == 0


def test_skipped_is_for_others(store: Store):
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    lease = queue.claim(store, me)
    assert lease is not None
    with pytest.raises(BadInput, match="needs a reason"):
        queue.skip(store, lease.id, me, " ")
    queue.skip(store, lease.id, me, "I do not know this")
    queue.skip(store, lease.id, me, "I do not know this")  # a repeat changes nothing
    assert queue.claim(store, me) is None
    assert answer(store, you, "k").task_id == lease.task.id
    with pytest.raises(LeaseLost, match="already done"):
        queue.skip(store, history(store, you)[0].assignment_id or 0, you, "too late")


def test_undo_gives_the_task_back_with_its_answer(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0), rank_task(1)])
    me, you = person(store, "me").id, person(store, "you").id
    assert queue.undo(store, me) is None
    label = answer(store, me, "k1")
    following = queue.claim(store, me)
    clock.now += 1
    again = queue.undo(store, me)
    assert again is not None
    assert following is not None
    assert again.task.id == label.task_id
    assert again.draft == label.value
    assert labels_after(store, 0) == []
    assert standing_labels(store, [label.id]) == set()
    assert queue.claim(store, you) is None  # one is leased, the other leased again
    with pytest.raises(BadInput, match="taken back"):
        queue.submit(store, again.id, me, "k1", BEST_FIRST, SEEN)
    second = queue.submit(store, again.id, me, "k2", {"ranking": [[0, 1]]}, SEEN)
    assert [one.id for one in labels_after(store, 0)] == [second.id]
    resumed = queue.claim(store, me)
    assert resumed is not None
    assert resumed.id == following.id
    assert [one.id for one in history(store, me)] == [second.id, label.id]


def test_active_time_counts_short_gaps_alone(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0)])
    me = person(store, "me").id
    lease = queue.claim(store, me)
    assert lease is not None
    for gap in (10, 60, 61, 3000):
        clock.now += gap
        queue.heartbeat(store, lease.id, me)
    clock.now += 5
    queue.save_draft(store, lease.id, me, {"x": 1})
    clock.now += 20
    label = queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN)
    assert label.active_s == 10 + 60 + 5 + 20
    shown = progress(store, me)
    assert (shown.active_minutes, shown.labels_today, shown.labels) == (95 / 60, 1, 1)
    clock.now += 86400
    later = progress(store, me)
    assert (later.active_minutes, later.labels_today, later.labels) == (0, 0, 1)


def test_a_heartbeat_keeps_the_lease(store: Store, clock: Clock):
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    lease = queue.claim(store, me, lease_s=100)
    assert lease is not None
    for _ in range(5):
        clock.now += 90
        queue.heartbeat(store, lease.id, me)
        assert queue.claim(store, you) is None
    clock.now += 101
    assert queue.claim(store, you) is not None


def test_gold_tasks_come_at_their_rate_to_everybody_once(store: Store):
    change_settings(store, None, gold_rate=1.0)
    gold = add_tasks(store, [rank_task(i, gold=BEST_FIRST) for i in range(2)])
    plain = add_tasks(store, [rank_task(i) for i in range(10, 15)])
    for name in ("a", "b"):
        who = person(store, name).id
        given = [answer(store, who, str(n)).task_id for n in range(4)]
        assert given[:2] == gold
        assert set(given[2:]) < set(plain)
    change_settings(store, None, gold_rate=0.0)
    last = person(store, "c").id
    assert answer(store, last, "k").task_id == plain[4]
    assert queue.claim(store, last) is None  # never gold alone


def test_gold_rate_is_a_share(store: Store):
    change_settings(store, None, gold_rate=0.25)
    gold = set(add_tasks(store, [rank_task(i, gold=BEST_FIRST) for i in range(60)]))
    add_tasks(store, [rank_task(i) for i in range(100, 180)])
    me = person(store, "me").id
    given = [answer(store, me, str(n)).task_id for n in range(60)]
    assert 6 <= sum(task in gold for task in given) <= 26  # 15 ± 3.4, seeded


def test_other_orders(store: Store):
    ids = add_tasks(store, [rank_task(i, priority=i) for i in range(30)])
    me = person(store, "me").id
    change_settings(store, None, order="oldest")
    assert answer(store, me, "first").task_id == ids[0]
    change_settings(store, None, order="random")
    given = [answer(store, me, str(n)).task_id for n in range(29)]
    assert sorted(given) == ids[1:]
    assert given not in (ids[1:], ids[:0:-1])


def test_an_inactive_person_is_given_nothing(store: Store):
    add_tasks(store, [rank_task(0)])
    me = person(store, "me")
    person(store, "boss", "admin")
    set_active(store, me.id, False, None)
    with pytest.raises(NotAllowed, match="not active"):
        queue.claim(store, me.id)


def test_queue_state_counts(store: Store, clock: Clock):
    add_tasks(store, [rank_task(i, overlap=2) for i in range(3)])
    add_tasks(store, [rank_task(9, gold=BEST_FIRST)])
    rate = {"prompt": asked("1 + 1"), "response": "2"}
    add_tasks(store, [NewTask(kind="rate", payload=rate, priority=-1)])
    change_settings(store, None, gold_rate=0)
    me, you, third = (person(store, name).id for name in ("me", "you", "third"))
    answer(store, me, "k")
    lease = queue.claim(store, me)
    skipped = queue.claim(store, you)
    assert lease is not None
    assert skipped is not None
    queue.skip(store, skipped.id, you, "no")
    clock.now += 3601
    lease = queue.claim(store, third, kinds=["rate"])
    assert lease is not None
    queue.submit(store, lease.id, third, "k", RATED, SEEN)
    state = queue_state(store)
    # 6 wanted, one done; the lease of `me` has run out and gone back.
    assert state.waiting == {"rank": 5}
    assert (state.leased, state.labels, state.skipped, state.expired) == (0, 2, 1, 1)
    assert (state.gold, state.labelers_now, state.labels_last_hour) == (1, 1, 1)


def test_free_slots_are_always_what_is_wanted_less_what_is_held(store: Store, clock: Clock):
    """Many random moves; the kept count equals the one that is counted."""
    add_tasks(store, [rank_task(i, overlap=1 + i % 3) for i in range(8)])
    people = [person(store, f"p{i}").id for i in range(5)]
    dice = store.random
    for n in range(120):
        who = dice.choice(people)
        clock.now += dice.choice((1, 40, 900))
        lease = queue.claim(store, who)
        move = dice.random()
        if move < 0.1:
            queue.undo(store, who)
        elif lease is None:
            continue
        elif move < 0.4:
            queue.submit(store, lease.id, who, f"k{n}", BEST_FIRST, SEEN)
        elif move < 0.5:
            queue.skip(store, lease.id, who, "no")
    held = (
        select(func.count())
        .where(assignments.c.task_id == tasks.c.id, assignments.c.state.in_(("open", "done")))
        .scalar_subquery()
    )
    kept = labels.c.retracted_at.is_(None)
    done = select(func.count()).where(assignments.c.state == "done")
    rows, answered, ended = store.read(
        lambda connection: (
            connection.execute(select(tasks.c.overlap, tasks.c.free, held)).all(),
            connection.execute(select(func.count()).select_from(labels).where(kept)).scalar(),
            connection.execute(done).scalar(),
        )
    )
    assert [row[1] for row in rows] == [row[0] - row[2] for row in rows]
    assert answered == ended


def test_ones_own_words_are_for_others_to_rank(store: Store):
    me, you = person(store, "me").id, person(store, "you").id
    mine = rank_task(0, author_id=me, priority=1, topic="mine")
    add_tasks(store, [mine, rank_task(1)])
    assert [progress(store, one).tasks_left for one in (me, you)] == [1, 2]
    assert [len(waiting_for(store, one)) for one in (me, you)] == [1, 2]
    assert answer(store, me, "a").task_id == 2
    assert queue.claim(store, me) is None
    assert answer(store, you, "b").task_id == 1


def test_undoing_a_dialogue_closes_what_was_made_of_it(store: Store):
    me, you = person(store, "me").id, person(store, "you").id
    payload = {"opening": "", "suggestions": 0}
    [opening] = add_tasks(store, [NewTask(kind="dialogue", payload=payload)])
    messages = [*asked("p"), {"role": "assistant", "content": "r"}]
    label = answer(store, me, "k", {"messages": messages, "suggested": []})
    source = dialogue_source(label.id)
    add_tasks(store, [rank_task(0, author_id=me, source=source), rank_task(1, author_id=me)])
    again = queue.undo(store, me)
    assert again is not None
    assert again.task.id == opening
    assert answer(store, you, "a").task_id == 3
    assert queue.claim(store, you) is None
    assert queue_state(store).waiting == {}

"""Swapping rare words: what is copied changes everywhere, what is skill stays."""

from __future__ import annotations

import torch

from tutelage.data.augmentation import RareWordSwap, leave_words_out
from tutelage.schema import Comparison, Demonstration, Message, ask


def shown(request: str, reply: str) -> Demonstration:
    return Demonstration((*ask(request), Message("assistant", reply)))


LESSONS = [shown(f"sort {name}.txt now", f"$ sort {name}.txt") for name in ("plum", "fig", "pear")]


def test_only_rare_words_on_both_sides_are_swapped():
    swap = RareWordSwap((lesson.messages for lesson in LESSONS), most=1)
    assert swap.rare == ["fig", "pear", "plum"]
    seen = set()
    for seed in range(20):
        found = swap.demonstration(LESSONS[0], torch.Generator().manual_seed(seed))
        request, reply = (message.content for message in found.messages)
        name = request.removeprefix("sort ").removesuffix(".txt now")
        assert reply == f"$ sort {name}.txt"
        seen.add(name)
    assert seen == {"fig", "pear", "plum"}


def test_two_names_never_become_one():
    lesson = shown("copy plum to fig", "$ cp plum fig")
    swap = RareWordSwap([lesson.messages], most=1)
    for seed in range(30):
        found = swap.demonstration(lesson, torch.Generator().manual_seed(seed))
        _, _, one, other = found.messages[1].content.split()
        assert one != other
        assert found.messages[0].content == f"copy {one} to {other}"


def test_a_comparison_changes_as_a_whole():
    comparison = Comparison(ask("show plum"), ("$ cat plum", "$ cat fig"), ((0,), (1,)))
    swap = RareWordSwap([ask("show plum"), ask("show pear"), ask("show fig")], most=1)
    found = swap.comparison(comparison, torch.Generator().manual_seed(3))
    name = found.prompt[0].content.removeprefix("show ")
    assert found.responses == (f"$ cat {name}", "$ cat fig")  # what no prompt names stays
    assert found.ranking == comparison.ranking


def test_words_are_left_out_but_not_those_that_the_reply_repeats():
    lesson = shown("please show plum.txt, all of it", "$ cat plum.txt")
    replies = [lesson.messages[1].content]
    seen = set()
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        request, reply = leave_words_out(lesson.messages, replies, 0.3, generator)
        assert "plum.txt," in request.content.split()
        assert reply == lesson.messages[1]
        seen.add(request.content)
    assert len(seen) > 10
    counts = [len(request.split()) for request in seen]
    assert max(counts) == 6
    assert min(counts) < 5


def test_nothing_is_left_out_at_a_share_of_zero_and_never_everything():
    messages = ask("sort it")
    assert leave_words_out(messages, [], 0.0, torch.Generator()) == messages
    assert leave_words_out(messages, [], 1.0, torch.Generator()) == messages

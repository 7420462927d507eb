"""Swapping rare words: what is copied changes everywhere, what is skill stays."""

from __future__ import annotations

import torch

from tutelage.data.augmentation import RareWordSwap
from tutelage.schema import Comparison, Demonstration, Message
from tutelage.text.chat_format import ask


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

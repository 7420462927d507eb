"""The batches in which new labels meet earlier ones."""

from __future__ import annotations

from collections import Counter

from tests.stages.toys import word_comparisons
from tutelage.stages.labelled import reward_batches


def test_new_ones_come_as_often_as_they_count_and_earlier_ones_fill_up():
    everything = word_comparisons()
    new, earlier = everything[:5], everything[5:]
    batches = list(reward_batches(new, earlier, 3, 2, 6, "seed"))
    assert [len(batch) for batch in batches] == [6] * 9
    counts = Counter(map(id, (example for batch in batches for example in batch)))
    assert [counts[id(example)] for example in new] == [3] * 5
    assert sum(counts[id(example)] for example in earlier) == 9 * 6 - 15
    first_pass = [example for batch in batches[:3] for example in batch if example in new]
    assert len(first_pass) == len(set(map(id, first_pass))) == 5  # none waits for a second pass


def test_without_earlier_ones_batches_hold_new_ones_alone():
    new = word_comparisons()[:3]
    assert [len(batch) for batch in reward_batches(new, [], 2, 2, 6, 0)] == [2, 1, 2, 1]

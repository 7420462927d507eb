"""Thresholds, slopes and offsets of those who rate."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tutelage.algorithms.raters import FILE, Raters, load_raters, save_raters
from tutelage.errors import BadInput
from tutelage.schema import Rating, ask

OFFSETS = {"harsh": -1.2, "fair": 0.0, "kind": 1.2}
TRUST = {"harsh": 0.3, "fair": 0.0, "kind": -0.3}  # logarithms of their slopes
CENTRE = -3.0  # of the scores


def rating(value: int, scale="overall", labeler: str = "") -> Rating:
    return Rating(ask("p"), "r", value, scale, labeler)


def planted() -> Raters:
    raters = Raters(("overall", name) for name in OFFSETS)
    with torch.no_grad():
        raters.lowest["overall"].fill_(-2.0)
        raters.log_gaps["overall"].copy_(torch.tensor([1.0, 0.5, 0.8, 0.7, 1.5]).log())
        raters.log_slopes["overall"].fill_(0.4)
        raters.offsets.copy_(torch.tensor(list(OFFSETS.values())))
        raters.log_trust.copy_(torch.tensor(list(TRUST.values())))
        raters.centre.fill_(CENTRE)
        raters.has_begun[0] = True
    return raters


def simulated(raters: Raters, count: int) -> tuple[torch.Tensor, list[Rating]]:
    generator = torch.Generator().manual_seed(0)
    scores, ratings = [], []
    for labeler in OFFSETS:
        own = CENTRE + torch.randn(count, generator=generator)
        chances = raters.probabilities(own, "overall", labeler)
        values = torch.multinomial(chances, 1, generator=generator)[:, 0] + 1
        scores.append(own)
        ratings += [rating(value, "overall", labeler) for value in values.tolist()]
    return torch.cat(scores), ratings


def test_what_was_planted_is_learned():
    """1,000 ratings of each of three labelers, whose scores are known."""
    scores, ratings = simulated(planted(), 1_000)
    raters = Raters((r.scale, r.labeler) for r in ratings)
    raters.begin(ratings, CENTRE)
    optimiser = torch.optim.LBFGS(raters.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = raters.loss(scores, ratings) + raters.penalty() / len(ratings)
        loss.backward()
        return loss

    optimiser.step(closure)
    for labeler, offset in OFFSETS.items():
        found = raters.offsets[raters.labelers["overall", labeler]].item()
        assert found == pytest.approx(offset, abs=0.25)
        trust = raters.log_trust[raters.labelers["overall", labeler]].item()
        assert trust == pytest.approx(TRUST[labeler], abs=0.12)
    torch.testing.assert_close(
        raters.thresholds("overall"), planted().thresholds("overall"), atol=0.25, rtol=0
    )
    assert raters.log_slopes["overall"].item() == pytest.approx(0.4, abs=0.1)


def test_a_line_is_the_logit_of_more_than_the_lowest_level():
    raters, scores = planted(), torch.tensor([-5.0, 0.5])
    for labeler in ("harsh", "kind", "nobody"):
        slope, offset = raters.line("overall", labeler)
        more = 1 - raters.probabilities(scores, "overall", labeler)[:, 0]
        torch.testing.assert_close(slope * scores + offset, more.logit(), atol=1e-4, rtol=0)
    assert raters.knows("overall")
    assert not raters.knows("answer")


def test_yes_or_no_is_logistic_regression():
    raters = Raters([("thumb", "a")])
    with torch.no_grad():
        raters.lowest["thumb"].fill_(0.7)
        raters.offsets.fill_(0.3)
    scores = torch.tensor([2.0, -1.0])
    loss = raters.loss(scores, [rating(1, "thumb", "a"), rating(0, "thumb", "stranger")])
    logits = scores + torch.tensor([0.3, 0.0]) - 0.7
    expected = F.binary_cross_entropy_with_logits(logits, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(loss, expected)


def test_ratings_of_several_scales_count_alike():
    raters = planted()
    scores = torch.tensor([0.3, -0.4, 1.0])
    ratings = [rating(5, "overall", "kind"), rating(1, "answer"), rating(2, "overall", "fair")]
    alone = [raters.loss(scores[i : i + 1], ratings[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(raters.loss(scores, ratings), torch.stack(alone).mean())
    assert raters.loss(scores[:0], []) == 0


def test_they_begin_at_the_shares_of_what_was_rated():
    raters = Raters([])
    ratings = [rating(value) for value in (1, 2, 2, 3, 4, 5, 5, 5, 6, 7)] * 200
    raters.begin(ratings, score=-4.0)
    shares = raters.probabilities(torch.tensor([-4.0]), "overall")[0]
    expected = torch.tensor([0.1, 0.2, 0.1, 0.1, 0.3, 0.1, 0.1])
    torch.testing.assert_close(shares, expected, atol=0.002, rtol=0)


def test_a_scale_that_is_used_later_leaves_the_others_as_they_were():
    """Thumbs come when scores are 2 higher; ratings keep their thresholds and their middle."""
    raters = Raters([("overall", "a")])
    raters.begin([rating(value) for value in (2, 4, 4, 6)], score=1.0)
    before = raters.probabilities(torch.tensor([1.0, 3.0]), "overall")
    with torch.no_grad():
        raters.offsets.fill_(0.6)
        raters.log_trust.fill_(0.2)
    more = raters.joined_by([("overall", "a"), ("thumb", "b")])
    more.begin([rating(1, "thumb")] * 300 + [rating(0, "thumb")] * 100, score=3.0)
    torch.testing.assert_close(more.probabilities(torch.tensor([1.0, 3.0]), "overall"), before)
    good = more.probabilities(torch.tensor([3.0]), "thumb")[0, 1].item()
    assert good == pytest.approx(0.75, abs=0.01)
    assert list(more.labelers) == [("overall", "a"), ("thumb", "b")]
    assert more.offsets.tolist() == pytest.approx([0.6, 0.0])
    assert more.log_trust.tolist() == pytest.approx([0.2, 0.0])


def test_saved_and_loaded_they_are_the_same(tmp_path: Path):
    raters = planted()
    save_raters(tmp_path, raters)
    loaded = load_raters(tmp_path)
    assert list(loaded.labelers) == list(raters.labelers)
    scores = torch.linspace(-2, 2, 5)
    for labeler in OFFSETS:
        torch.testing.assert_close(
            loaded.probabilities(scores, "overall", labeler),
            raters.probabilities(scores, "overall", labeler),
        )
    before = loaded.thresholds("overall")
    loaded.begin([rating(2), rating(1, "thumb")], score=9.0)  # thumbs are new to it, ratings not
    torch.testing.assert_close(loaded.thresholds("overall"), before)
    assert loaded.thresholds("thumb").item() == pytest.approx(9 - CENTRE - math.log(3), abs=1e-4)
    assert load_raters(tmp_path / "nowhere") is None
    (tmp_path / FILE).write_text('{"overall": {}}')
    with pytest.raises(BadInput, match="is not as"):
        load_raters(tmp_path)

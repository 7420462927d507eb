"""Rankings as a person types them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tutelage.commands.compare import parse_ranking
from tutelage.data.comparisons import read_comparisons
from tutelage.errors import BadInput


@pytest.mark.parametrize(
    ("said", "ranking"),
    [
        ("2>1=3", ((1,), (0, 2))),
        (" 3 = 1 > 2 ", ((0, 2), (1,))),
        ("1=2=3", ((0, 1, 2),)),
        ("3 1 2", ((2,), (0,), (1,))),
        ("312", ((2,), (0,), (1,))),
        ("3,1,2", ((2,), (0,), (1,))),
    ],
)
def test_rankings_by_hand(said: str, ranking: tuple[tuple[int, ...], ...]) -> None:
    assert parse_ranking(said, 3) == ranking


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("", "Name every reply once; 1, 2, 3 is missing."),
        ("2>1", "Name every reply once; 3 is missing."),
        ("2>1>1=3", "Reply 1 is named twice."),
        ("4>1", "There is no reply 4; they are 1 to 3."),
        ("2<1", "'<' is neither a number nor > nor =; write such as 2>1=3."),
        ("=1>2>3", "'=' is neither a number nor > nor =; write such as 2>1=3."),
        ("1=>2>3", "= stands between two numbers; write such as 2>1=3."),
        ("1>2>3=", "= stands between two numbers; write such as 2>1=3."),
    ],
)
def test_what_is_no_ranking_is_said(said: str, complaint: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_ranking(said, 3)
    assert str(caught.value) == complaint


@pytest.fixture
def words(run_folder: Path, tmp_path: Path) -> list[object]:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("count the lines\nhow many there are\n\nsay plum\n")
    return ["compare", "--model", run_folder / "checkpoints" / "sft", "--prompts", prompts,
            "--run", tmp_path / "labels", "--temperature", "1.5"]  # fmt: skip


@pytest.fixture(autouse=True)
def replies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three replies to every prompt; a model this small never ends one."""

    def sample(gpt, tokenizer, prompts, sampling, *seed):
        return [(i, [f"a{i}", f"b{i}", f"c{i}"]) for i in range(len(prompts))]

    monkeypatch.setattr("tutelage.commands.compare.sample_responses", sample)


def test_a_person_ranks_stops_and_goes_on(tutelage, words, tmp_path, monkeypatch) -> None:
    path = tmp_path / "labels" / "data" / "comparisons.jsonl"
    monkeypatch.setattr("sys.stdin", io.StringIO("2>9\n2>1=3\nq\n"))
    code, out, _ = tutelage(*words)
    assert code == 0
    assert "There is no reply 9; they are 1 to 3." in out
    assert [item.ranking for item in read_comparisons(path)] == [((1,), (0, 2))]

    monkeypatch.setattr("sys.stdin", io.StringIO("1>2>3\nu\n3>2>1\n1=2=3\n"))
    code, out, _ = tutelage(*words)
    assert code == 0
    assert "count the lines" not in out
    found = read_comparisons(path)
    assert [item.ranking for item in found] == [((1,), (0, 2)), ((2,), (1,), (0,)), ((0, 1, 2),)]
    assert [item.responses[0] for item in found] == ["a0", "a1", "a2"]
    assert {item.labeler for item in found} == {"person"}

    assert "All 3 prompts are ranked." in tutelage(*words)[1]


def test_end_of_input_stops_like_q(tutelage, words, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s\n1>2>3\n"))
    assert tutelage(*words)[0] == 0
    found = read_comparisons(tmp_path / "labels" / "data" / "comparisons.jsonl")
    assert [item.responses[0] for item in found] == ["a1"]


def test_nothing_is_learned_from_what_was_skipped(tutelage, words, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s\ns\ns\n"))
    code, out, err = tutelage(*words)
    assert (code, err) == (0, "")
    assert "nothing to learn from yet" in out
    assert "Next      tutelage compare" in out


def test_a_reward_model_ranks(tutelage, words, run_folder, tmp_path) -> None:
    code, out, _ = tutelage(*words, "--judge", run_folder)
    assert code == 0
    assert "✓ 3 prompts ranked by" in out
    found = read_comparisons(tmp_path / "labels" / "data" / "comparisons.jsonl")
    assert [len(item.ranking) for item in found] == [3, 3, 3]
    assert all(item.labeler.startswith("reward model") for item in found)


def test_other_prompts_in_the_same_run_are_refused(tutelage, words, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    assert tutelage(*words)[0] == 0
    (tmp_path / "prompts.txt").write_text("another\n")
    code, _, err = tutelage(*words)
    assert code == 2
    assert err == (
        f"The compare in {tmp_path / 'labels'} was begun with other contents of prompts: "
        "give the same again, or another --run.\n"
    )

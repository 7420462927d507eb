"""A stage that was cut off and begun again makes the same bytes as one that was not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from tests.stages.toys import (
    REQUESTS,
    SPEAKERS,
    WORDS,
    WordJudge,
    demonstrations,
    new_algorithm,
    new_gpt,
    reinforcement,
    taught_gpt,
    word_comparisons,
    word_tokenizer,
)
from tutelage.algorithms.dpo import PreferenceConfig, PreferenceLoss
from tutelage.data.corpus import token_stream
from tutelage.model.gpt import GPT
from tutelage.model.heads import RewardModel
from tutelage.runs import Progress, Run
from tutelage.schema import Comparison, Rating, ask
from tutelage.stages.keeper import KeeperConfig
from tutelage.stages.policy import Practice
from tutelage.stages.preference import (
    OfflineConfig,
    OnlineConfig,
    PreferConfig,
    offline,
    online,
    prefer,
)
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import SFTConfig, sft
from tutelage.text.packing import Tree, plain

Start = Callable[[Run, Path], Iterator[Progress]]
AUDITED = KeeperConfig(by="audit/gold", audit_every=2)
STEPS = 6  # of every stage here, a state is saved after each second one


def start_pretrain(run: Run, taught: Path) -> Iterator[Progress]:
    tokenizer = word_tokenizer()
    stream = token_stream(
        tokenizer, [f"{request} {word}." for request in REQUESTS for word in WORDS]
    )
    config = PretrainConfig(steps=STEPS, rows=4, row_length=16, warmup=2, evaluate_every=2)
    return pretrain(run, new_gpt(), tokenizer, stream, stream, config, seed=0)


def start_sft(run: Run, taught: Path) -> Iterator[Progress]:
    config = SFTConfig(epochs=4.0, batch=8, warmup=2, row_length=64, evaluate_every=2)
    return sft(run, new_gpt(), word_tokenizer(), demonstrations(), config, seed=0)


def start_reward(
    run: Run, taught: Path, ratings: Sequence[Rating] = (), size: int = 3
) -> Iterator[Progress]:
    tokenizer = word_tokenizer()
    model = RewardModel(taught_gpt(taught))
    comparisons = [
        Comparison(ask(request), WORDS[:size], tuple((i,) for i in range(size)))
        for request in REQUESTS
        for size in (2, 3, 4)
    ][: 4 * size]
    samples = [
        Tree(tokenizer.encode_prompt(c.prompt), [tokenizer.encode_reply(r) for r in c.responses])
        for c in comparisons
    ]
    config = RewardConfig(epochs=2.0, batch=4, warmup=2, row_length=64, evaluate_every=2)
    return train_reward_model(
        run, model, tokenizer, comparisons, samples, config, seed=0, ratings=ratings
    )


def start_ratings(run: Run, taught: Path) -> Iterator[Progress]:
    """Eight rankings and four ratings, of two labelers."""
    ratings = [
        Rating(ask(REQUESTS[0]), "blue", 7, labeler="Ann"),
        Rating(ask(REQUESTS[1]), "red", 2, labeler="Ben"),
        Rating(ask(REQUESTS[2]), "blue", 1, "thumb", labeler="Ann"),
        Rating(ask(REQUESTS[3]), "red", 0, "answer", labeler="Ben"),
    ]
    return start_reward(run, taught, ratings, size=2)


def start_policy(algorithm: str) -> Start:
    def start(run: Run, taught: Path) -> Iterator[Progress]:
        return reinforcement(
            run, new_algorithm(algorithm, taught), STEPS, audit=how_blue, audit_every=2
        )

    return start


def start_prefer(loss: PreferenceLoss, from_judge: bool) -> Start:
    def start(run: Run, taught: Path) -> Iterator[Progress]:
        gpt, tokenizer = taught_gpt(taught), word_tokenizer()
        preference = PreferenceConfig(loss=loss)
        if from_judge:
            prompts = [ask(request) for request in REQUESTS]
            often = OnlineConfig(steps=STEPS, prompts_per_step=8, max_new_tokens=4)
            source = online(
                gpt, taught_gpt(taught), tokenizer, Practice(prompts, WordJudge()), often, 0
            )
        else:
            passes = OfflineConfig(epochs=2.0, batch=4, swapped=0.5)
            source = offline(
                gpt, taught_gpt(taught), tokenizer, word_comparisons(), preference, passes, 0
            )
        config = PreferConfig(learning_rate=5e-3, keeper=AUDITED)
        return prefer(run, gpt, tokenizer, source, how_blue, preference, config)

    return start


def how_blue(gpt: GPT) -> dict[str, float]:
    """An audit, whose gold is the logit of "blue" after a fixed prompt."""
    tokenizer = word_tokenizer()
    prompt = torch.tensor([tokenizer.encode_prompt(ask(REQUESTS[0]))])
    with torch.inference_mode():
        logit = gpt.head(gpt(plain(prompt)))[0, -1, tokenizer.encode("blue")[0]].item()
    return {"audit/gold": logit}


STAGES: dict[str, Start] = {
    "pretrain": start_pretrain,
    "sft": start_sft,
    "reward": start_reward,
    "reward, ratings": start_ratings,
    **{f"policy, {name}": start_policy(name) for name in SPEAKERS},
    "prefer, rankings": start_prefer("dpo", from_judge=False),
    "prefer, rankings, kto": start_prefer("kto", from_judge=False),
    "prefer, judge": start_prefer("dpo", from_judge=True),
}


def run_to_the_end(stage: Iterator[Progress]) -> None:
    for _ in stage:
        pass


def left_behind(run: Run) -> dict[str, bytes]:
    """Everything in the run's folder."""
    return {
        str(path.relative_to(run.folder)): path.read_bytes()
        for path in sorted(run.folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def uninterrupted(
    taught: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, bytes]]:
    """What the stage leaves behind when nothing happens to it."""
    known: dict[str, dict[str, bytes]] = {}

    def find(name: str) -> dict[str, bytes]:
        if name not in known:
            run = Run(tmp_path_factory.mktemp("whole"))
            run_to_the_end(STAGES[name](run, taught))
            known[name] = left_behind(run)
        return known[name]

    return find


@pytest.mark.parametrize("done", [1, 3, 4, STEPS])
@pytest.mark.parametrize("name", STAGES)
def test_resumed_equals_uninterrupted(
    name: str,
    done: int,
    taught: Path,
    tmp_path: Path,
    uninterrupted: Callable[[str], dict[str, bytes]],
):
    """Left after `done` steps: before the first saved state, between two, at one, at the end."""
    run = Run(tmp_path)
    stage = STAGES[name](run, taught)
    assert [next(stage).step for _ in range(done)] == list(range(1, done + 1))
    del stage

    resumed = [progress.step for progress in STAGES[name](Run(tmp_path), taught)]
    assert resumed == list(range(done - done % 2 + 1, STEPS + 1))  # not from the beginning
    found = left_behind(run)
    assert any(path.endswith("model.safetensors") for path in found)
    assert found == uninterrupted(name)


class Killed(Exception):
    """Stands for the end of the process at a moment chosen by the test."""


@pytest.mark.parametrize("moment", ["log", "save_state", "finish"])
@pytest.mark.parametrize("name", STAGES)
def test_killed_around_a_write(
    name: str,
    moment: str,
    taught: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uninterrupted: Callable[[str], dict[str, bytes]],
):
    """Each write of the stage in turn is the last thing that the process does."""
    whole = getattr(Run, moment)
    run = Run(tmp_path)
    for survived in range(STEPS + 2):
        count = 0

        def write_and_die(self: Run, *given: object, survived: int = survived) -> None:
            nonlocal count
            whole(self, *given)
            count += 1
            if count > survived:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Run, moment, write_and_die)
            try:
                run_to_the_end(STAGES[name](run, taught))
            except Killed:
                if run.done(name.split(",")[0].replace("policy", "ppo")):
                    break
            else:
                break
    if not run.done(name.split(",")[0].replace("policy", "ppo")):
        run_to_the_end(STAGES[name](run, taught))
    assert left_behind(run) == uninterrupted(name)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_around_the_rename_that_ends_a_stage(
    before: bool,
    taught: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uninterrupted: Callable[[str], dict[str, bytes]],
):
    rename = os.replace

    def rename_and_die(source: Path, target: Path) -> None:
        if target.name != "sft":
            return rename(source, target)
        if not before:
            rename(source, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", rename_and_die)
        with pytest.raises(Killed):
            run_to_the_end(start_sft(Run(tmp_path), taught))
    assert (tmp_path / "checkpoints" / "sft.resume.pt").exists()  # nothing is learned twice
    run = Run(tmp_path)
    assert run.done("sft") is not before
    if before:
        run_to_the_end(start_sft(run, taught))
    assert left_behind(run) == uninterrupted("sft")


def test_a_line_that_a_kill_cut_short_is_dropped(
    taught: Path, tmp_path: Path, uninterrupted: Callable[[str], dict[str, bytes]]
):
    (tmp_path / "metrics.jsonl").write_text('{"stage": "sft", "st')
    run_to_the_end(start_sft(Run(tmp_path), taught))
    assert left_behind(Run(tmp_path)) == uninterrupted("sft")

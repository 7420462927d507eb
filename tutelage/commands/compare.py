"""`tutelage compare`: several replies to each prompt, ranked by a person or by a reward model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.text import Text

from tutelage.commands.folders import check_prompts, find_model, read_prompts, settle
from tutelage.commands.labels import now
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.comparisons import comparison_trees, read_comparisons, write_comparisons
from tutelage.data.corpus import read_records
from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_policy, load_reward_model
from tutelage.model.language_model import LanguageModel
from tutelage.rollout.sampler import Sampling
from tutelage.runs import Run, write_text
from tutelage.schema import Comparison, Conversation, ask
from tutelage.screen import ACCENT, COLOURS, console, show_next
from tutelage.stages.compare import sample_responses
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import count, plural, visible

ABOUT = """
Sample 4 to 9 replies to each prompt and rank them. With --judge a reward model ranks. Without,
you do: type the replies' numbers from best to worst, > between better and worse, = between
equals, such as 2>1=3. Each ranking is saved at once; the same command goes on with the rest.

Reads
  --model    a model's folder, or a run (its newest stage that speaks)
  --prompts  a prompt a line (.txt), or JSONL of {"prompt"}
  --judge    a reward model's folder, or a run (its newest reward model)

Writes
  RUN/data/replies.jsonl, then RUN/data/comparisons.jsonl for `tutelage reward`.

Example
  tutelage compare --model runs/mine --prompts requests.txt --run runs/mine
"""

KEYS = "numbers from best to worst, such as 2>1=3 · s skips · u takes the last back · q stops"


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    model: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]  # who replies
    prompts: Annotated[Path, tyro.conf.arg(metavar="FILE")]  # to what
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    judge: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None  # ranks instead of you
    stage: str | None = None  # of the run that --model names; default: the newest
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    seed: int = 0
    temperature: float = 1.0  # of the samples
    max_new_tokens: int = 48  # longest reply

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(
                f"temperature must be above 0, or all replies are the same; got {self.temperature}"
            )


def main(argv: Sequence[str]) -> None:
    options = parse(CompareOptions, "compare", ABOUT, argv)
    device, _ = prepare(options.device)
    screen = console()
    model = find_model(options.model, options.stage, making=(options.run, "reward"))
    judge = find_model(options.judge, grades=True) if options.judge else None
    prompts = read_prompts(options.prompts)
    gpt, tokenizer = load_policy(model, device)
    check_prompts(prompts, tokenizer, gpt.context, options.max_new_tokens)
    if judge is not None:
        load_reward_model(judge)  # a mistake in it is raised before the run folder is written
    inputs = {"model": model, "prompts": options.prompts, "judge": judge}
    run = settle(options.run, "compare", options, inputs)
    replies = _replies(run, options, gpt, tokenizer, prompts)
    path = run.folder / "data" / "comparisons.jsonl"
    if judge is not None:
        comparisons = rank_by_model(judge, replies, device)
        write_comparisons(path, comparisons)
        screen.print(f"✓ {plural(len(comparisons), 'prompt')} ranked by {judge}", soft_wrap=True)
    elif not rank_by_hand(screen, replies, path):
        show_next(screen, shlex.join(["tutelage", "compare", *argv]), rankings=path)
        return
    command = ["tutelage", "reward", "--model", str(options.model), "--comparisons", str(path)]
    show_next(screen, shlex.join([*command, "--run", str(run.folder)]), rankings=path)


def _replies(
    run: Run,
    options: CompareOptions,
    gpt: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[Conversation],
) -> list[tuple[str, list[str]]]:
    """Each prompt with its replies: sampled once, so that going on shows the same ones."""
    path = run.folder / "data" / "replies.jsonl"
    if not path.exists():
        sampling = Sampling(max_new_tokens=options.max_new_tokens, temperature=options.temperature)
        sampled = sample_responses(gpt, tokenizer, prompts, sampling, options.seed, "compare")
        rows = (
            {"prompt": prompts[index][-1].content, "responses": responses}
            for index, responses in sampled
        )
        write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if not path.read_text(encoding="utf-8"):
        raise BadInput(
            "The model says the same to each of these prompts whenever it is asked, so there is "
            "nothing to rank: give a higher --temperature or other --prompts, and a new --run."
        )
    return [(str(row["prompt"]), list(row["responses"])) for _, row in read_records(path)]  # type: ignore[call-overload]


def rank_by_model(
    folder: Path, replies: Sequence[tuple[str, list[str]]], device: torch.device
) -> list[Comparison]:
    """Rankings by a reward model's scores; only equal scores are ties."""
    model, tokenizer = load_reward_model(folder, device)
    unranked = [
        Comparison(ask(prompt), tuple(responses), (tuple(range(len(responses))),))
        for prompt, responses in replies
    ]
    trees = comparison_trees(tokenizer, unranked, model.context)
    scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees)
    return [
        Comparison(item.prompt, item.responses, _ranking(own), f"reward model {folder}", now())
        for item, own in zip(
            unranked, scores.split([len(item.responses) for item in unranked]), strict=True
        )
    ]


def _ranking(scores: torch.Tensor) -> tuple[tuple[int, ...], ...]:
    values = scores.tolist()
    order = sorted(range(len(values)), key=lambda index: -values[index])
    return tuple(tuple(group) for _, group in groupby(order, key=lambda index: values[index]))


def rank_by_hand(screen: Console, replies: Sequence[tuple[str, list[str]]], path: Path) -> bool:
    """Ask for a ranking of each prompt's replies; False when the person stopped before the end or
    ranked none."""
    done = read_comparisons(path) if path.exists() and path.stat().st_size else []
    ranked = {(item.prompt[-1].content, item.responses) for item in done}
    unranked = [item for item in replies if (item[0], tuple(item[1])) not in ranked]
    if not unranked:
        screen.print(f"All {plural(len(done), 'prompt')} are ranked.")
        return True
    screen.print(Text(KEYS, style="dim"))
    place = 0
    while place < len(unranked):
        prompt, responses = unranked[place]
        _show(screen, prompt, responses, place + 1, len(unranked), len(done))
        answer = _ask_ranking(screen, len(responses))
        if answer == "q":
            return False
        if answer == "u":
            # Only what this sitting ranked comes back; what an earlier one did is settled.
            place = max(0, place - 1)
            if done and (done[-1].prompt[-1].content, list(done[-1].responses)) == unranked[place]:
                done.pop()
        elif answer == "s":
            place += 1
        else:
            assert isinstance(answer, tuple)
            done.append(Comparison(ask(prompt), tuple(responses), answer, "person", now()))
            place += 1
        write_comparisons(path, done)
    if not done:
        screen.print("All were skipped, so there is nothing to learn from yet.")
        return False
    screen.print(f"✓ {plural(len(done), 'prompt')} ranked")
    return True


def _show(
    screen: Console, prompt: str, responses: Sequence[str], number: int, total: int, done: int
) -> None:
    screen.print()
    progress = f"{count(number)} of {count(total)}, {count(done)} ranked so far"
    screen.print(
        Text.assemble((visible(prompt), "bold"), (f"   {progress}", "dim")), soft_wrap=True
    )
    for index, response in enumerate(responses, start=1):
        mark = (f"  {index}  ", COLOURS["compare"])
        text = visible(response).replace("\n", "\n     ")
        screen.print(Text.assemble(mark, text or "(nothing)"), soft_wrap=True)


def _ask_ranking(screen: Console, count: int) -> str | tuple[tuple[int, ...], ...]:
    """A ranking, or one of the letters s, u and q; asks again until it is one."""
    while True:
        try:
            screen.print(Text("best to worst › ", style=ACCENT), end="")
            answer = input().strip()
        except EOFError:
            screen.print()
            return "q"
        if answer in ("s", "u", "q"):
            return answer
        try:
            return parse_ranking(answer, count)
        except BadInput as error:
            screen.print(f"  {error}", soft_wrap=True)


def parse_ranking(answer: str, count: int) -> tuple[tuple[int, ...], ...]:
    """`2>1=3` as groups of indices from best to worst: ((1,), (0, 2)).

    Where there are fewer than ten replies the signs may be blanks or left out: `2 1=3`, `213`.
    """
    groups: list[list[int]] = []
    tied = False
    for word in [*re.findall(r"\d|[^\d\s]", answer), ""]:
        if tied and not word.isdecimal():
            raise BadInput("= stands between two numbers; write such as 2>1=3.")
        if tied:
            groups[-1].append(int(word))
            tied = False
        elif word.isdecimal():
            groups.append([int(word)])
        elif word == "=" and groups:
            tied = True
        elif word not in (">", ",", ""):
            raise BadInput(f"{word!r} is neither a number nor > nor =; write such as 2>1=3.")
    named = [number for group in groups for number in group]
    for number in named:
        if not 1 <= number <= count:
            raise BadInput(f"There is no reply {number}; they are 1 to {count}.")
        if named.count(number) > 1:
            raise BadInput(f"Reply {number} is named twice.")
    missing = [str(number) for number in range(1, count + 1) if number not in named]
    if missing or not named:
        raise BadInput(f"Name every reply once; {', '.join(missing)} is missing.")
    return tuple(tuple(sorted(number - 1 for number in group)) for group in groups)

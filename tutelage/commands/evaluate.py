"""`tutelage evaluate`: how often a model is right on what its curriculum holds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import tyro
from rich.text import Text

from tutelage.commands.folders import find_model
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.curricula import CURRICULA, CurriculumName, curriculum_of
from tutelage.errors import BadInput
from tutelage.evaluation.graded import grade
from tutelage.evaluation.statistics import wilson
from tutelage.model.checkpoint import load_policy
from tutelage.reports.answers import set_name
from tutelage.rollout.sampler import Sampling
from tutelage.screen import console
from tutelage.wording import rate

ABOUT = """
Measure how often a model answers rightly what its curriculum holds out. In the terminal world
each answer is run in the sandbox beside the reference, and counts when it prints and leaves the
same.

Reads
  a model's folder, or a run (its newest stage that speaks)

Writes
  nothing; the numbers are printed, with their 95 % intervals.

Example
  tutelage evaluate runs/school --tasks new_phrasings --count 400
"""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN_OR_MODEL")]  # who
    tasks: str | None = None  # one held-out set, such as new_names; default: all
    curriculum: CurriculumName | None = None  # default: the run's, or terminal
    count: int = 200  # tasks of each set
    samples: int = 1  # answers to each; 1 is greedy, more are sampled
    temperature: float = 1.0  # of more than one sample
    stage: str | None = None  # of a run; default: the newest
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    seed: int = 0
    max_new_tokens: int | None = None  # longest answer; default: the curriculum's

    def __post_init__(self) -> None:
        if self.count < 1 or self.samples < 1:
            raise ValueError(f"need count >= 1 and samples >= 1, got {self.count}, {self.samples}")


def main(argv: Sequence[str]) -> None:
    options = parse(EvaluateOptions, "evaluate", ABOUT, argv)
    device, _ = prepare(options.device)
    path = find_model(options.model, options.stage)
    curriculum = CURRICULA[options.curriculum] if options.curriculum else curriculum_of(path)
    sets = [options.tasks] if options.tasks else curriculum.held_out
    if not set(sets) <= set(curriculum.held_out):
        allowed = ", ".join(curriculum.held_out)
        raise BadInput(f"--tasks: expected one of {allowed}, got {options.tasks}.")
    gpt, tokenizer = load_policy(path, device)
    greedy = options.samples == 1
    temperature = 0.0 if greedy else options.temperature
    longest = options.max_new_tokens or curriculum.reply_tokens
    sampling = Sampling(max_new_tokens=longest, temperature=temperature)
    how = "greedy" if greedy else f"mean of {options.samples} samples"
    screen = console()
    screen.print(Text(f"{path}, {how}, right of held-out requests", style="dim"), soft_wrap=True)
    for name in sets:
        tasks = curriculum.tasks(name, options.count, options.seed)
        graded = grade(
            gpt,
            tokenizer,
            tasks,
            curriculum.check,
            sampling,
            options.seed,
            name,
            samples=options.samples,
        )
        share = fmean(graded.successes())
        # Samples of one task are alike, so the interval counts tasks.
        ci95 = wilson(share * options.count, options.count)
        screen.print(f"{set_name(name):<18}{rate(share, ci95, options.count)}")

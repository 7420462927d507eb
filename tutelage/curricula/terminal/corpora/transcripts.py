"""Terminal sessions: commands really run in a world, with what they printed."""

from __future__ import annotations

import random
import re

from tutelage.curricula.terminal.families import PLAIN_FAMILIES, TRAINED_COMPOSITIONS
from tutelage.curricula.terminal.family import draw_slots, fill_slots
from tutelage.curricula.terminal.words import TRAIN_WORDS
from tutelage.curricula.terminal.world import empty_world
from tutelage.errors import EnvironmentFailure
from tutelage.sandbox import Ending, Execution, Sandbox, Tree

COMMANDS_A_SESSION = 14
_MOST_LINES = 5
_MOST_REPEATS = 3
_MARK = "-- ended with"

# other spellings of the same, as other people type; rare, so that one spelling is the habit
_VARIANTS = (
    (r"^wc -l < (\S+)$", r"cat \1 | wc -l"),
    (r"^wc -w < (\S+)$", r"cat \1 | wc -w"),
    (r"^head -n (\d+) (\S+)$", r"head -\1 \2"),
    (r"^tail -n (\d+) (\S+)$", r"tail -\1 \2"),
    (r"^grep (\w+) (\S+)$", r"cat \2 | grep \1"),
    (r"^sort -u (\S+)$", r"sort \1 | uniq"),
    (r"^tr a-z A-Z < (\S+)$", r"cat \1 | tr a-z A-Z"),
    (r"^rm (\w\S*)$", r"rm -f \1"),
)


def _spell(command: str, rng: random.Random) -> str:
    """The command, now and then in another spelling."""
    if rng.random() < 0.04:
        for form, other in _VARIANTS:
            if re.match(form, command):
                return re.sub(form, other, command)
    return command


def _session(rng: random.Random) -> tuple[list[str], Tree]:
    """Commands to type one after the other, and the tree to type them in."""
    world = empty_world(rng, TRAIN_WORDS)
    world.fill(5)
    commands = []
    for _ in range(COMMANDS_A_SESSION):
        families = TRAINED_COMPOSITIONS if rng.random() < 0.25 else PLAIN_FAMILIES
        family = families[int(rng.random() * len(families))]
        slots = draw_slots(family, world, rng, reuse=0.8)
        commands.append(_spell(fill_slots(family.command, slots), rng))
    if rng.random() < 0.5:
        commands.insert(0, "ls")
    return commands, world.tree


def transcripts(seed: str, count: int, sandbox: Sandbox) -> list[str]:
    """Sessions with outputs; commands that fail, as some do after others, are left out."""
    rng = random.Random(seed)
    sessions = [_session(rng) for _ in range(count)]
    jobs = [
        ("\n".join(f"{command}\nprintf '\\n{_MARK} %s\\n' $?" for command in commands), tree)
        for commands, tree in sessions
    ]
    runs = _run(jobs, sandbox)
    return [
        _transcript(commands, run.stdout.decode())
        for (commands, _), run in zip(sessions, runs, strict=True)
    ]


def _run(jobs: list[tuple[str, Tree]], sandbox: Sandbox) -> list[Execution]:
    """Every job's run; on a busy machine a worker may be lost, so what broke is run again."""
    runs = sandbox.run_many(jobs)
    for _ in range(_MOST_REPEATS):
        broken = [index for index, run in enumerate(runs) if run.outcome != Ending.OK]
        for index, run in zip(
            broken, sandbox.run_many([jobs[index] for index in broken]), strict=True
        ):
            runs[index] = run
    for (script, _), run in zip(jobs, runs, strict=True):
        if run.outcome != Ending.OK:
            raise EnvironmentFailure(f"a session ended with {run.outcome}:\n{script}")
    return runs


def _transcript(commands: list[str], printed: str) -> str:
    """The session as a screen would show it."""
    lines = []
    outputs = re.split(rf"\n{_MARK} (\d+)\n", printed)
    for command, output, status in zip(commands, outputs[::2], outputs[1::2], strict=False):
        if status == "0":
            lines.append(f"$ {command}")
            lines += output.removesuffix("\n").split("\n")[:_MOST_LINES] if output else []
    return "\n".join(lines) + "\n"

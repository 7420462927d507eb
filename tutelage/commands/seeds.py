"""The same training for several seeds, each in a process of its own, a folder each."""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
import signal
import statistics
import sys
import time
import typing
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv

from tutelage.algorithms import ALGORITHMS, Algorithm
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.errors import EnvironmentFailure, TutelageError
from tutelage.policies.control import ControlPolicy
from tutelage.reports.doctor import Doctor, Finding, write_findings
from tutelage.runs import Progress, Run, read_json, uninterrupted, write_json
from tutelage.stages.control import (
    ControlConfig,
    PolicyShape,
    control,
    evaluate_control,
    fresh_policy,
    load_control_policy,
)

# They price the distance from a reference policy, and a policy that begins from nothing has none;
# it also plays itself.
WITHOUT_REFERENCE = ("kl_coefficient", "kl_target", "kl_horizon", "importance_cap")
RECENT = 100  # episodes over which the live return is a mean
SIDE_BY_SIDE = 20  # environments of the evaluation
TELL_EVERY_S = 0.1  # a line that changes faster cannot be read
STOP_S = 10.0  # that a process gets to end by itself


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is trained, the seed apart."""

    folder: Path
    environment: str
    environment_options: dict[str, Any]
    algorithm: str
    settings: Any
    hidden: tuple[int, ...]
    config: ControlConfig
    episodes: int
    start: Path | None = None  # the folder of a policy that is gone on from

    def seed_folder(self, seed: int) -> Path:
        return self.folder / f"seed_{seed}"

    def make(self, count: int) -> VectorEnv:
        return make_environments(self.environment, count, **self.environment_options)


def new_algorithm(
    name: str, settings: Any, environments: VectorEnv, hidden: tuple[int, ...], seed: int
) -> Algorithm:
    """The algorithm with a fresh policy for the environments."""
    entry = ALGORITHMS[name]
    policy = fresh_policy(environments, hidden, seeded(seed, "policy"), entry.networks)
    algorithm: Algorithm = entry.algorithm(policy, settings)
    return algorithm


def begin_from(algorithm: Algorithm, folder: Path) -> None:
    """Give the algorithm's policy the weights of the one in the folder, made for the same."""
    policy, shape = load_control_policy(folder)
    assert isinstance(algorithm.policy, ControlPolicy)
    if shape.normalised:
        algorithm.policy.standardise()
    algorithm.policy.load_state_dict(policy.state_dict())


def train(training: Training, seed: int) -> Iterator[Progress | Finding]:
    """Train and evaluate one seed, as far as that is not done yet; ends with evaluation.json. What
    the doctor finds comes when it does, and all of it lies in findings.json."""
    run = Run(training.seed_folder(seed))
    path = run.folder / "evaluation.json"
    try:
        if not run.done("control"):
            doctor = Doctor(run.folder / "metrics.jsonl")
            with run.timed("train"):
                for progress in _trained(training, run, seed):
                    yield progress
                    yield from doctor.observe(progress)
            write_findings(run.folder)
        if not path.exists():
            with run.timed("evaluate"):
                write_json(path, {"returns": _evaluated(training, run, seed)})
    except EnvironmentFailure as failure:
        raise EnvironmentFailure(
            f"{str(failure).rstrip('.')}; what was saved is whole, and once the environment is "
            "mended the same command goes on from there."
        ) from failure
    yield Progress("evaluate", 1, 1, summary(read_json(path)["returns"]))


def _evaluated(training: Training, run: Run, seed: int) -> list[float]:
    """Returns of fresh episodes: those of the audits chose this policy."""
    policy, _ = load_control_policy(run.checkpoint("control"))
    environments = training.make(min(SIDE_BY_SIDE, training.episodes))
    number = int(torch.randint(2**31, (), generator=seeded(seed, "evaluation")))
    return evaluate_control(policy, environments, training.episodes, number)[: training.episodes]


def summary(returns: Sequence[float]) -> dict[str, float]:
    return {
        "evaluate/return": statistics.fmean(returns),
        "evaluate/sd": statistics.stdev(returns) if len(returns) > 1 else 0.0,
        "evaluate/episodes": len(returns),
    }


def _trained(training: Training, run: Run, seed: int) -> Iterator[Progress]:
    """The training loop's progress, with the return of the last episodes."""
    entry = ALGORITHMS[training.algorithm]
    environments = training.make(1)
    algorithm = new_algorithm(
        training.algorithm, training.settings, environments, training.hidden, seed
    )
    environments.close()
    if training.start is not None:
        begin_from(algorithm, training.start)
    shape = PolicyShape(
        environment=training.environment,
        environment_options=training.environment_options,
        hidden=training.hidden,
        networks=entry.networks,
        normalised=training.config.normalise,
    )
    recent: collections.deque[tuple[float, float]] = collections.deque()  # mean, episodes
    speed: float | None = None
    for progress in control(run, algorithm, training.make, training.config, seed, shape=shape):
        metrics = dict(progress.metrics)
        if metrics.get("episode/count"):
            recent.append((metrics["episode/return"], metrics["episode/count"]))
        while sum(count for _, count in recent) - (recent[0][1] if recent else 0) >= RECENT:
            recent.popleft()
        if recent:
            episodes = sum(count for _, count in recent)
            metrics["episode/recent"] = sum(mean * count for mean, count in recent) / episodes
        speed = metrics.get("train/steps_per_s", speed)
        yield Progress(progress.stage, progress.step, progress.steps, metrics)
    if speed is not None:
        write_json(run.folder / "timings.json", run.timings() | {"steps_per_s": speed})


def side_by_side(
    training: Training, seeds: Sequence[int], at_once: int
) -> Iterator[tuple[int, Progress | Finding]]:
    """Train every seed, `at_once` processes at a time; (seed, progress or finding) as it comes.

    The first failure stops all of them, and what they had saved stays. One seed needs no process.
    """
    if len(seeds) == 1:
        for news in train(training, seeds[0]):
            yield seeds[0], news
        return
    waiting = list(seeds)
    running: dict[Connection, tuple[int, Any]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                seed = waiting.pop(0)
                receiver, process = _started(training, seed, list(running))
                running[receiver] = seed, process
            for ready in wait(list(running)):
                receiver = typing.cast(Connection, ready)
                seed, process = running[receiver]
                try:
                    message = receiver.recv()
                except EOFError:
                    process.join()
                    del running[receiver]
                    raise EnvironmentFailure(_died(seed, process.exitcode)) from None
                if isinstance(message, Progress | Finding):
                    yield seed, message
                elif message is None:
                    process.join()
                    del running[receiver]
                elif isinstance(message, TutelageError):
                    raise type(message)(f"Seed {seed}: {message}")
                else:
                    raise message
    finally:
        with uninterrupted():  # a second Ctrl-C would leave processes behind
            _stop([process for _, process in running.values()])


def _started(training: Training, seed: int, others: list[Connection]) -> tuple[Connection, Any]:
    # A fork has everything imported. It is safe while no thread computes, and none does: torch was
    # set to use one. Elsewhere than on Linux the system's own libraries do not bear it.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    inherited = [*others, receiver] if sys.platform == "linux" else []
    process = context.Process(target=_child, args=(training, seed, sender, inherited))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _child(training: Training, seed: int, sender: Connection, inherited: list[Connection]) -> None:
    """Train one seed; send progress and findings, then None, or the failure."""
    try:
        for connection in inherited:  # else no process would learn that the first one has gone
            connection.close()
        torch.set_num_threads(1)
        reported = 0.0
        for news in train(training, seed):
            now = time.perf_counter()
            if isinstance(news, Finding):
                sender.send(news)
            elif now - reported >= TELL_EVERY_S or news.step >= news.steps:
                sender.send(news)
                reported = now
        sender.send(None)
    except (KeyboardInterrupt, BrokenPipeError):  # the first process says why, or has gone
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os._exit(130)
    except Exception as error:  # raised again in the first process
        with contextlib.suppress(BrokenPipeError):
            sender.send(error)


def _stop(processes: Sequence[Any]) -> None:
    """End the processes; each finishes the write that it is in."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
    until = time.monotonic() + STOP_S
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _died(seed: int, exit_code: int) -> str:
    how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with code {exit_code}"
    if exit_code == -signal.SIGKILL:
        how += ", perhaps for want of memory, which fewer --environments save"
    return (
        f"The process of seed {seed} {how}; what it had saved is whole, and the same command goes "
        "on from there."
    )

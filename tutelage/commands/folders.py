"""Folders that a person names: models, runs, and the record of what a run was made of."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from tutelage import __version__
from tutelage.commands.options import RECORD, options_of, options_text
from tutelage.config import read_toml
from tutelage.data.corpus import named_keys, read_lines, read_records
from tutelage.errors import BadInput
from tutelage.model.checkpoint import is_reward_model, load_reward_model
from tutelage.model.heads import RewardModel
from tutelage.runs import Run, read_json, stages_of, taught_at, write_text
from tutelage.schema import Conversation, ask
from tutelage.text.tokenizer import Tokenizer


def find_model(
    folder: Path,
    stage: str | None = None,
    *,
    grades: bool = False,
    making: tuple[Path, str] | None = None,
) -> Path:
    """The folder that holds model.json: `folder` itself, or a stage of the run that it is.

    Without a stage: the newest that speaks, or with `grades` the newest that grades. making: the
    run and the stage to be made; in that same run only stages before it count, so that the
    command means the same when it is given again.
    """
    if (folder / "model.json").exists():
        if stage is not None:
            raise BadInput(f"{folder} is one model, not a run, so it has no stage {stage}.")
        return folder
    stages = stages_of(folder)
    if not stages:
        raise BadInput(
            f"{folder} holds no model: give a folder with a model.json in it, such as "
            "runs/school/checkpoints/sft, or a run whose first stage is done."
        )
    if stage is not None:
        if stage not in stages:
            raise BadInput(f"{folder} has no stage {stage}; it has {', '.join(stages)}.")
        return folder / "checkpoints" / stage
    if making is not None and making[0].resolve() == folder.resolve():
        stages = [name for name in stages if taught_at(name) < taught_at(making[1])]
    wanted = [name for name in stages if is_reward_model(folder / "checkpoints" / name) == grades]
    if not wanted:
        listed = ", ".join(stages_of(folder))
        kind = "reward model" if grades else "model that speaks"
        raise BadInput(f"{folder} holds no {kind}; its stages are {listed}.")
    return folder / "checkpoints" / wanted[-1]


def load_grader(
    folder: Path, tokenizer: Tokenizer, speaker: Path, device: torch.device
) -> RewardModel:
    """The reward model in `folder`, which reads the tokens that the speaker's model writes."""
    model, its_tokenizer = load_reward_model(folder, device)
    if tokenizer.inner.to_str() != its_tokenizer.inner.to_str():
        raise BadInput(
            f"{folder} reads other tokens than {speaker} writes: train the reward model from the "
            "same model."
        )
    return model


def read_prompts(path: Path) -> list[Conversation]:
    """A prompt a line, or JSONL of {"prompt"}."""
    if path.suffix == ".jsonl":
        prompts = []
        for where, record in read_records(path):
            prompt = record.get("prompt")
            if not isinstance(prompt, str):
                raise BadInput(f"{where}: expected a string `prompt`, got {named_keys(record)}.")
            prompts.append(ask(prompt))
        return prompts
    prompts = [ask(line.strip()) for _, line in read_lines(path)]
    if not prompts:
        raise BadInput(f"The file {path} is empty.")
    return prompts


def check_prompts(
    prompts: Sequence[Conversation], tokenizer: Tokenizer, context: int, max_new_tokens: int
) -> None:
    """Raise unless every prompt and its longest reply fit the model's context."""
    for number, prompt in enumerate(prompts, start=1):
        length = len(tokenizer.encode_prompt(prompt))
        if length + max_new_tokens > context:
            raise BadInput(
                f"Prompt {number} has {length} tokens and its reply may have {max_new_tokens}, the "
                f"model's context is {context}: shorten it, give a smaller --max-new-tokens, or "
                "pretrain with a longer context."
            )


Inputs = Mapping[str, Path | Sequence[Path] | None]


def settle(folder: Path, command: str, config: object, inputs: Inputs) -> Run:
    """The run, with its record `<command>.toml`: the options, and digests of the inputs.

    BadInput where the folder's record of this command names other options or inputs."""
    if (folder / "config.toml").exists():
        raise BadInput(
            f"{folder} belongs to `tutelage school`, which alone writes there: give another --run."
        )
    run = Run(folder)
    # where it computes may change between one attempt and the next
    options = {n: v for n, v in options_of(config).items() if n not in ("run", "device")}
    made = {"tutelage": __version__}
    for name, source in inputs.items():
        if source is not None:
            paths = [source] if isinstance(source, Path) else source
            made[name] = " ".join(digest(path) for path in paths)
    path = folder / f"{command}.toml"
    text = options_text(command, options, made)
    if path.exists():
        _compare(path, command, text, set(inputs))
    else:
        write_text(path, text)
    return run


def _compare(path: Path, command: str, text: str, inputs: set[str]) -> None:
    """Raise unless the record says the same as `text`; inputs count by content, not by name."""
    old, new = read_toml(path), tomllib.loads(text)
    for table in (command, RECORD):
        for name in sorted(old.get(table, {}).keys() | new[table].keys()):
            before, after = old.get(table, {}).get(name), new[table].get(name)
            if before == after or (table == command and name in inputs):
                continue
            if name == "tutelage":
                what = f"was begun by version {before} of Tutelage, this is {after}"
            elif table == RECORD:
                what = f"was begun with other contents of {name.replace('_', ' ')}"
            else:
                what = f"was begun with {name} = {_or_nothing(before)}, not {_or_nothing(after)}"
            raise BadInput(
                f"The {command} in {path.parent} {what}: give the same again, or another --run."
            )


def _or_nothing(value: Any) -> str:
    return "nothing" if value is None else str(value)


def digest(path: Path) -> str:
    """What a file, or a model's folder, contains, in 16 letters."""
    target = path / "model.safetensors" if path.is_dir() else path
    try:
        with open(target, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except FileNotFoundError:
        raise BadInput(f"There is no file {target}.") from None
    except OSError as error:
        raise BadInput(f"The file {target} cannot be read: {error.strerror}.") from None


def find_policy(path: Path) -> Path:
    """The folder of a policy for control, or a file as it is. BadInput where there is neither."""
    if not path.exists():
        raise BadInput(f"There is no file or folder {path}.")
    if path.name == "policy.safetensors":
        return path.parent
    if not path.is_dir():
        return path
    # `tutelage rl --env` has a run a seed; the best of them is meant
    seeds = sorted(path.glob("seed_*"), key=_worse)
    folders = [path, path / "checkpoints" / "control", *sorted(path.glob("checkpoints/*"))]
    for folder in [*folders, *(seed / "checkpoints" / "control" for seed in seeds)]:
        if (folder / "policy.safetensors").exists():
            return folder
    raise BadInput(
        f"{path} holds no policy for control: give a folder with a policy.safetensors in it, a run "
        "whose checkpoints hold one, or an .npz file of episodes."
    )


def _worse(seed: Path) -> float:
    """Minus the mean return of a seed's evaluation."""
    if not (seed / "evaluation.json").exists():
        return float("inf")
    return -fmean(read_json(seed / "evaluation.json")["returns"])

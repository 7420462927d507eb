"""`tutelage inspect`: a packed batch of demonstrations, and which of its tokens are trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from tutelage.commands.folders import find_model
from tutelage.commands.options import parse
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.demonstrations import demonstration_trees, read_demonstrations
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.model.checkpoint import load_policy
from tutelage.screen import COLOURS, console
from tutelage.stages.sft import SFTConfig, augmented_tree
from tutelage.text.packing import Packed, pack
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import percent, plural, visible

ABOUT = """
Show a batch as the model is trained on it: demonstrations packed into rows, token by token. The
tokens that are trained stand in colour and in [brackets]; the others are only read. A dot divides
tokens, a line is one segment, which sees no other, with the positions that its tokens have. With
--swapped and --left-out it is augmented as `tutelage sft` does with the same options.

Reads
  a model's folder or a run, for its tokenizer, and
  --demonstrations  JSONL of {"prompt", "completion"} or {"messages"}

Writes
  nothing

Example
  tutelage inspect runs/mine --demonstrations mine.jsonl --count 8
"""


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL_OR_RUN")]  # tokens
    demonstrations: Annotated[Path, tyro.conf.arg(metavar="FILE")]  # what to pack
    count: int = 16  # demonstrations, from the first
    row_length: int = 192  # tokens a row
    swapped: float = 0.0  # share of examples whose rare copied words are swapped for others
    left_out: float = 0.0  # share of a request's words that are left out, of those not copied
    seed: int = 0  # of what is swapped and left out
    stage: str | None = None  # of a run; default: the newest

    def __post_init__(self) -> None:
        if self.count < 1 or self.row_length < 2:
            raise ValueError(
                f"need count >= 1 and row_length >= 2, got {self.count}, {self.row_length}"
            )
        self.config()

    def config(self) -> SFTConfig:
        return SFTConfig(swapped=self.swapped, left_out=self.left_out)


def main(argv: Sequence[str]) -> None:
    options = parse(InspectOptions, "inspect", ABOUT, argv)
    gpt, tokenizer = load_policy(find_model(options.model, options.stage))
    everything, context = read_demonstrations(options.demonstrations), gpt.context
    if not everything:
        raise BadInput(f"{options.demonstrations} holds no demonstration.")
    swap = RareWordSwap(example.messages for example in everything)
    examples, generator = everything[: options.count], seeded(options.seed, "inspect")
    trees = [
        augmented_tree(example, tree, swap, tokenizer, context, options.config(), generator)
        for example, tree in zip(
            examples, demonstration_trees(tokenizer, examples, context), strict=True
        )
    ]
    batch = pack(trees, options.row_length, tokenizer.pad)
    screen = console()
    for line in batch_lines(batch, tokenizer):
        screen.print(line, soft_wrap=not screen.is_terminal)
    trained, filled = int(batch.mask.sum()), sum(map(len, trees))
    screen.print(
        f"\n{plural(len(batch.tokens), 'row')} of {plural(batch.tokens.shape[1], 'token')}: "
        f"{percent(filled / batch.tokens.numel())} filled, {percent(trained / filled)} of those "
        f"trained (n = {filled:,})",
        soft_wrap=True,
    )


def batch_lines(batch: Packed, tokenizer: Tokenizer) -> Iterator[Text]:
    """A heading for each row and a line for each of its segments."""
    assert batch.segments is not None
    for row in range(len(batch.tokens)):
        segments = batch.segments[row].tolist()
        ends = [
            t for t in range(1, len(segments) + 1) if segments[t - 1 : t] != segments[t : t + 1]
        ]
        trained = [False, *batch.mask[row].tolist()]  # whether the token itself is trained
        if row:
            yield Text()
        filled = sum(1 for segment in segments if segment)
        yield Text(f"Row {row + 1}   {filled} of {plural(len(segments), 'token')}", style="bold")
        for start, end in zip([0, *ends], ends, strict=False):
            if segments[start] == 0:
                yield Text(f"{'':>14}{plural(end - start, 'token')} of padding", style="dim")
                continue
            first, last = (int(batch.positions[row, t]) for t in (start, end - 1))
            line = Text(f"{segments[start]:>4}  {first:>3}–{last:<3}  ", style="dim")
            line += _tokens(batch.tokens[row, start:end].tolist(), trained[start:end], tokenizer)
            yield line


def _tokens(ids: Sequence[int], trained: Sequence[bool], tokenizer: Tokenizer) -> Text:
    """Tokens with dots between them; a run of trained ones in colour and brackets."""
    line = Text()
    for place, (token, is_trained) in enumerate(zip(ids, trained, strict=True)):
        before = place > 0 and trained[place - 1]
        if is_trained and not before:
            line.append("[", style=f"bold {COLOURS['sft']}")
        elif before and not is_trained:
            line.append("]", style=f"bold {COLOURS['sft']}")
        elif place:
            line.append("·", style="dim")
        style = f"bold {COLOURS['sft']}" if is_trained else "dim"
        line.append(token_text(token, tokenizer), style=style)
    if trained and trained[-1]:
        line.append("]", style=f"bold {COLOURS['sft']}")
    return line


def token_text(token: int, tokenizer: Tokenizer) -> str:
    """A token as text on one line; a special one by its name."""
    if token in tokenizer.special:
        return str(tokenizer.inner.id_to_token(token))
    return visible(tokenizer.decode([token])).replace("\n", "␊")

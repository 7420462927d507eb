"""`tutelage chat`: talk to a model; what it proposes to run is run on a copy, in the sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.text import Text

from tutelage.commands.folders import find_model
from tutelage.commands.labels import Labels
from tutelage.commands.lines import Lines
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.curricula import curriculum_of
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.model.checkpoint import is_reward_model, load_policy
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.streaming import stream_text
from tutelage.runs import stages_of
from tutelage.sandbox import Tree, printable
from tutelage.sandbox.workspace import Workspace, copy_folder
from tutelage.schema import Conversation, Message
from tutelage.screen import ACCENT, console, stage_colour
from tutelage.wording import about, stage_name, visible

ABOUT = """
Talk to a model. A reply that begins with "$ " proposes a command: Enter runs it in the sandbox,
on a copy of a small made-up folder or of --folder, never on the original, and shows the output.
What commands change in the copy stays until you leave.

Reads
  a run (its newest stage that speaks, or --stage), or a model's folder

Writes
  labels.jsonl, what /good, /bad and /redo say of replies, and chat_history,
  both in the run

Example
  tutelage chat runs/school --stage sft
"""

HELP = """\
  /good, /bad      say what the last reply is worth
  /redo            another reply; it counts as better than the last one
  /run             run the last reply's command
  /files [NAME]    the files of the copy, or what one holds
  /stage [NAME]    talk to another stage
  /help, /quit
"""
PROMPT, COMMAND = "› ", "$ "
REDO_TEMPERATURE, REDO_TRIES = 1.0, 16


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]  # run or model
    stage: str | None = None  # of a run, such as sft or ppo_2; default: the newest
    folder: Annotated[Path | None, tyro.conf.arg(metavar="F")] = None  # your files, copied
    temperature: float = 0.0  # of replies; 0 says the likeliest
    memory: int = 0  # earlier exchanges that the model reads; the school's know single requests
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    seed: int = 0
    max_new_tokens: int = 64  # longest reply

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.memory < 0 or self.max_new_tokens < 1:
            raise ValueError("need temperature >= 0, memory >= 0 and max_new_tokens >= 1")


def main(argv: Sequence[str]) -> None:
    options = parse(ChatOptions, "chat", ABOUT, argv)
    device, _ = prepare(options.device)
    chat = Chat(options, console(), device)
    try:
        chat.talk()
    finally:
        chat.close()


class Chat:
    """One session: a model, a copy of files, the last request and its reply."""

    def __init__(self, options: ChatOptions, screen: Console, device: torch.device) -> None:
        self.options, self.screen = options, screen
        path = find_model(options.model, options.stage)
        self.device = device
        self.load(path)
        curriculum = curriculum_of(path)
        tree: Tree = (
            copy_folder(options.folder) if options.folder else curriculum.files(options.seed)
        )
        self.runs_commands = options.folder is not None or curriculum.runs_commands
        self.workspace = Workspace(tree, closed=not self.runs_commands)
        is_stage = options.model.parent.name == "checkpoints"
        self.home = options.model.parent.parent if is_stage else options.model
        self.labels = Labels(self.home / "labels.jsonl")
        self.lines = Lines(self.home / "chat_history", interactive=screen.is_terminal)
        self.past: list[Message] = []
        self.prompt = ""  # the last request …
        self.reply: str | None = None  # … and its reply
        self.replies_drawn = 0  # replies so far: each is drawn from a seed of its own

    def load(self, folder: Path) -> None:
        """Talk to the model in this folder from now on."""
        self.model, self.tokenizer = load_policy(folder, self.device)
        self.stage = folder.name

    def close(self) -> None:
        self.workspace.close()
        self.lines.close()

    def talk(self) -> None:
        """Read requests and commands until the end."""
        self._greet()
        waiting: str | None = None
        while True:
            line = waiting if waiting is not None else self.lines.read(PROMPT)
            waiting = None
            if line is None or line in ("/quit", "/exit", "/q"):
                return
            if not line:
                continue
            if line.startswith("/"):
                self._obey(line)
            else:
                self.ask(line)
            if line == "/redo" or not line.startswith("/"):
                waiting = self._offer()

    def _greet(self) -> None:
        size = f"{about(self.model.parameter_count())} parameters"
        name = stage_name(self.stage)
        self._say(
            Text.assemble((f"{self.options.model}", "bold"), "  ", (name, stage_colour(self.stage)))
            + Text(f"  {size}", style="dim")
        )
        if self.workspace.refusal:
            self._say(
                Text(f"There is no sandbox, so no command will be run: {self.workspace.refusal}.")
            )
        elif self.runs_commands:
            names = ", ".join(line.split(maxsplit=1)[-1] for line in self._top_files())
            self._say(Text(f"Files of the copy: {names}", style="dim"))
        self._say(Text("/help lists what you can type, /quit leaves.", style="dim"))

    def _top_files(self) -> list[str]:
        top = [line for line in self.workspace.listing() if "/" not in line.rstrip("/")]
        return [*top[:8], f"  and {len(top) - 8} more"] if len(top) > 8 else top

    def ask(self, request: str) -> None:
        """Let the model answer, shown as it is written; Ctrl-C ends the reply where it is."""
        if self.reply is not None and self.options.memory:
            self.past += [Message("user", self.prompt), Message("assistant", self.reply)]
            self.past = self.past[-2 * self.options.memory :]
        self.prompt, self.reply = request, None
        longest = self.model.context - 1
        while self.past and len(self._tokens()) > longest:
            self.past = self.past[2:]  # the oldest exchange
        if (length := len(self._tokens())) > longest:
            self._say(Text(f"That is {length} tokens; this model reads at most {longest}."))
            return
        written: list[str] = []
        with contextlib.suppress(KeyboardInterrupt):
            for piece in self._write(self.options.temperature):
                written.append(piece)
                self._show(visible(piece), is_command=written[0].startswith(COMMAND[0]))
        self._end_reply("".join(written))

    def redo(self) -> None:
        """Another reply to the last request; the two are kept as a comparison."""
        if self.reply is None:
            self._say(Text("There is no reply yet to do again."))
            return
        before = self.reply
        for _ in range(REDO_TRIES):
            try:
                reply = "".join(self._write(self.options.temperature or REDO_TEMPERATURE))
            except KeyboardInterrupt:
                self._say(Text("Stopped; nothing was stored."))
                return
            if reply != before:
                break
        else:
            self._say(Text(f"The model said the same {REDO_TRIES} times; nothing was stored."))
            return
        self._show(visible(reply), is_command=reply.startswith(COMMAND))
        self._end_reply(reply)
        self.labels.compare(self.prompt, worse=before, better=reply, stage=self.stage)
        self._note("stored: this reply before the last one")

    def _tokens(self) -> list[int]:
        """What the model reads: the last request, after what it remembers."""
        prompt: Conversation = (*self.past, Message("user", self.prompt))
        return self.tokenizer.encode_prompt(prompt)

    def _write(self, temperature: float) -> Iterator[str]:
        """A reply piece by piece."""
        tokens = self._tokens()
        most = min(self.options.max_new_tokens, self.model.context - len(tokens))
        sampling = Sampling(max_new_tokens=most, temperature=temperature)
        self.replies_drawn += 1
        generator = seeded(self.options.seed, "chat", self.replies_drawn)
        sampler = ModelSampler(self.model, self.tokenizer.stop_tokens)
        yield from stream_text(sampler, self.tokenizer, tokens, sampling, generator)

    def _show(self, text: str, is_command: bool) -> None:
        style = f"bold {ACCENT}" if is_command else ""
        self.screen.print(Text(text, style=style), end="", soft_wrap=True)
        self.screen.file.flush()

    def _end_reply(self, reply: str) -> None:
        self.reply = reply
        self._say(Text("" if reply else "(nothing)", style="dim"))

    def command(self) -> str:
        """What the last reply proposes to run, or nothing."""
        reply = self.reply or ""
        return reply[len(COMMAND) :].strip() if reply.startswith(COMMAND) else ""

    def _offer(self) -> str | None:
        """Run the proposed command if the person agrees; anything else is the next line."""
        if not self.command() or self.workspace.sandbox is None:
            if self.command() and self.runs_commands:
                self._note("not run: there is no sandbox")
            return None
        answer = self.lines.read("  run it? Enter or y runs, n does not › ", remember=False)
        if answer is None:
            return "/quit"
        if answer.lower() in ("", "y", "yes"):
            self.run_proposed()
        elif answer.lower() not in ("n", "no"):
            return answer
        return None

    def run_proposed(self) -> None:
        """Run the last reply's command on the copy and show what came of it."""
        if not self.command() or not self.runs_commands:
            self._say(Text("The last reply proposes no command."))
            return
        output = self.workspace.run(self.command())
        self._say(Text(output) if output else Text("(no output)", style="dim"))

    def _obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        known: dict[str, Callable[[], None]] = {
            "/good": lambda: self._judge("good"),
            "/bad": lambda: self._judge("bad"),
            "/redo": self.redo,
            "/run": self.run_proposed,
            "/files": lambda: self._files(rest.strip()),
            "/stage": lambda: self._switch(rest.strip()),
            "/help": lambda: self._say(Text(HELP.rstrip("\n"))),
        }
        if word in known:
            known[word]()
        else:
            self._say(Text(f"There is no {word}; /help lists what there is."))

    def _judge(self, verdict: str) -> None:
        if self.reply is None:
            self._say(Text("There is no reply yet to judge."))
            return
        self.labels.judge(self.prompt, self.reply, verdict, self.stage)
        mark = {"good": "✓ good", "bad": "✗ bad"}[verdict]
        self._note(f"{mark}, stored in {self.labels.path}")

    def _files(self, name: str) -> None:
        tree = self.workspace.tree
        if not name:
            self._say(Text("\n".join(self.workspace.listing()) or "(no files)"))
        elif name in tree and tree[name].kind == "file":
            self._say(Text(visible(printable(tree[name].content).rstrip("\n"))))
        else:
            self._say(Text(f"There is no file {visible(name)}; /files lists them."))

    def _switch(self, name: str) -> None:
        stages = [
            stage
            for stage in stages_of(self.home)
            if not is_reward_model(self.home / "checkpoints" / stage)
        ]
        if not name:
            self._say(Text(f"now {self.stage}; there are {', '.join(stages) or 'no others'}"))
            return
        try:
            self.load(find_model(self.home, name))
        except BadInput as error:
            self._say(Text(str(error)))
            return
        self.past, self.reply = [], None
        self._note(f"now {stage_name(name)}")

    def _note(self, text: str) -> None:
        self._say(Text(f"  {text}", style="dim"))

    def _say(self, text: Text) -> None:
        self.screen.print(text, soft_wrap=True)

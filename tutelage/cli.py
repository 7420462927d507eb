"""The command line: `tutelage COMMAND …`. Every failure ends here as a sentence and an exit code.

Nothing heavy is imported before a command is known, so that `tutelage --help` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from tutelage import __version__
from tutelage.errors import TutelageError

OVERVIEW = """\
Tutelage raises your own ChatGPT: it teaches it, grades it, and lets it improve.

  Raise one from nothing
    school      every stage in ten minutes, then a report
    chat        talk to it; the commands it proposes run in a sandbox
    serve       chat, label and watch in the browser, and an API

  One stage at a time, on your own files
    pretrain    text              a model that continues text
    sft         demonstrations    a model that answers
    compare     prompts           replies, ranked by you or by a reward model
    reward      rankings          a model that grades replies
    prefer      rankings          a better policy, by DPO and its family
    rl          prompts, grades   a better policy; with --env, one that acts
    imitate     an expert         a policy that acts alike, without rewards

  With people
    teach       labels move the models while people label

  Look at it
    evaluate    how often a model is right, with intervals
    report      a run as one page, report.html
    inspect     which tokens a batch of demonstrations trains
    doctor      what goes wrong in a run's reinforcement, and its cure
    verify      numbers known in closed form, measured on what trains
    sandbox     tutelage sandbox selftest: what the sandbox promises, tried

tutelage COMMAND --help explains a command, with an example.
tutelage --version      says which version this is.
"""

Main = Callable[[Sequence[str]], None]


# NumPy reads it when it is loaded. Products as small as those of control gain nothing from a second
# thread, and with a process a seed such threads wait for each other's cores.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")


def _load(command: str) -> Main:
    """The `main` of the module of this name in tutelage.commands."""
    if command in ("control", "imitate"):
        os.environ.setdefault(*_ONE_THREAD)
    main: Main = importlib.import_module(f"tutelage.commands.{command}").main
    return main


def _rl(argv: Sequence[str]) -> None:
    from tutelage.commands.options import peek

    # Each of the two imports much that the other does not need.
    _load("rl" if peek(argv, "rl", "env") is None else "control")(argv)


_OWN_MODULE = (
    *("school", "chat", "serve", "pretrain", "sft", "compare", "reward", "prefer", "imitate"),
    *("teach", "evaluate", "report", "inspect", "doctor", "verify", "sandbox"),
)
COMMANDS: dict[str, Callable[[], Main]] = {name: partial(_load, name) for name in _OWN_MODULE}
COMMANDS["rl"] = lambda: _rl

UNFORESEEN, INTERRUPTED, UNREAD = 70, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the process's exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a tick must not fail where there is none
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has left. What is still buffered goes nowhere, without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except KeyboardInterrupt:
        again = shlex.join(["tutelage", *argv])
        _say(f"\nStopped; what was finished is saved. To go on, give the same command:\n  {again}")
        return INTERRUPTED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as error:  # a person gets a sentence, whatever broke
        return _explain(error, argv)
    return code


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(OVERVIEW, end="")
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"tutelage {__version__}")
        return 0
    if argv[0] not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(argv[0], COMMANDS, n=1)
        meant = f" Perhaps you meant {near[0]}." if near else ""
        _say(f"There is no command {argv[0]!r}.{meant} `tutelage --help` lists them.")
        return 2
    COMMANDS[argv[0]]()(argv[1:])
    return 0


def _explain(error: Exception, argv: Sequence[str]) -> int:
    """Say what went wrong, and what to do."""
    if isinstance(error, TutelageError) and not disk_is_full(error):
        _say(" ".join(str(error).split()))
        return error.exit_code
    if disk_is_full(error):
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        _say(
            f"The disk is full{where}: what was finished is saved and nothing was lost; free some "
            "space and give the same command again."
        )
        return 1
    if isinstance(error, OSError) and error.filename and error.strerror:
        _say(f"{error.filename} cannot be used: {error.strerror.lower()}.")
        return 1
    if os.environ.get("TUTELAGE_DEBUG") == "1":
        traceback.print_exception(error)
    message = " ".join(str(error).split())[:300]
    _say(
        f"Unforeseen {type(error).__name__}: {message or 'no message'}. This is a fault in "
        f"Tutelage; please report it in its issue tracker with what `TUTELAGE_DEBUG=1 "
        f"{shlex.join(['tutelage', *argv])}` prints."
    )
    return UNFORESEEN


# torch.save on a full disk: it counts what it wrote and names no cause.
_FULL = (
    "No space left on device",
    "PytorchStreamWriter failed",
    "enforce fail at inline_container",
)


def disk_is_full(error: BaseException | None) -> bool:
    """Whether the error, or the one it came from, is a disk without space.

    The libraries that write weights and tokenizers raise types of their own, so their words count.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(error) for words in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    if sys.stderr.isatty():
        import shutil
        import textwrap

        width = shutil.get_terminal_size().columns
        lines = sentence.split("\n")
        # Commands stay in one piece, so that they can be copied.
        sentence = "\n".join(
            line if line.startswith(" ") else textwrap.fill(line, width, break_on_hyphens=False)
            for line in lines
        )
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

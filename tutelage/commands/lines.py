"""Lines that a person types: edited and remembered as in a shell, or read from a pipe."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import ModuleType

MOST = 1_000  # lines that the history keeps


class Lines:
    """Reads lines; a history file where a person sits at the terminal."""

    def __init__(self, history: Path, *, interactive: bool) -> None:
        self.history = history
        self.readline: ModuleType | None = None
        self.typed = interactive and sys.stdin.isatty()
        if self.typed:
            with contextlib.suppress(ImportError):
                import readline

                self.readline = readline
                readline.set_auto_history(False)
                with contextlib.suppress(OSError):
                    readline.read_history_file(history)

    def read(self, prompt: str, *, remember: bool = True) -> str | None:
        """The next line without the blanks around it; None at the end. Ctrl-C drops a line."""
        while True:
            try:
                line = input(prompt if self.typed else "").strip()
            except EOFError:
                if self.typed:
                    sys.stdout.write("\n")
                return None
            except KeyboardInterrupt:
                if not self.typed:
                    raise
                sys.stdout.write("\n")
                if not remember:
                    return "n"
                continue
            if line and remember and self.readline is not None:
                self.readline.add_history(line)
            return line

    def close(self) -> None:
        """Keep the history for the next time; a folder that refuses it is no reason to fail."""
        if self.readline is not None:
            self.readline.set_history_length(MOST)
            with contextlib.suppress(OSError):
                self.readline.write_history_file(self.history)

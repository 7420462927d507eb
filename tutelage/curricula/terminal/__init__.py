"""The terminal world: plain requests in, shell commands out, checked by what they do."""

from tutelage.curricula.terminal.curriculum import Terminal

__all__ = ["Terminal"]

"""The only place where a command that a model wrote is run: isolated workers and their proof."""

from tutelage.sandbox.enclosure import Limits
from tutelage.sandbox.guarantees import Guarantee, require_sandbox, selftest
from tutelage.sandbox.pool import Sandbox
from tutelage.sandbox.tree import Ending, Entry, Execution, Tree, printable

__all__ = [
    "Ending",
    "Entry",
    "Execution",
    "Guarantee",
    "Limits",
    "Sandbox",
    "Tree",
    "printable",
    "require_sandbox",
    "selftest",
]

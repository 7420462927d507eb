"""The failures that a user can meet; the command line makes each one sentence and an exit code."""


class TutelageError(Exception):
    """A failure with a cause and a cure that a person can read."""

    exit_code = 1


class BadInput(TutelageError, ValueError):
    """A file, option or record is not what was expected; the message says both."""

    exit_code = 2


class SandboxUnavailable(TutelageError):
    """No sandbox can be built here; nothing that a model writes will be run."""

    exit_code = 3


class EnvironmentFailure(TutelageError):
    """An environment, sandbox or tool broke, through no fault of the policy."""


class JudgeFailure(TutelageError):
    """A judge could not decide. Never the same as a score of 0."""


class ContractBroken(TutelageError):
    """A promise the trainer makes to itself does not hold; training on would be wrong."""

    exit_code = 4


class StoreUnavailable(TutelageError):
    """The database of labels is locked, full or out of reach; nothing of the request was kept."""


class LeaseLost(TutelageError):
    """The task went back to the queue and was given to somebody else; the draft is kept."""


class NotAllowed(TutelageError):
    """This person may not do this, or could not prove who they are."""


class TooManyTries(NotAllowed):
    """Signing in failed too often; it has to wait."""

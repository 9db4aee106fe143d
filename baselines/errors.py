"""What can go wrong, in words for the person at the terminal."""


class BaselineError(Exception):
    """A file or a run is wrong; the message says which and what to do."""

    exit_code = 1


class CallError(BaselineError):
    """The command itself cannot work: a wrong name, address or token, a missing package."""

    exit_code = 2

"""The errors that people meet. Everything else is a defect and is shown with an id only.

OpsbellError            a sentence for the person, and what to do next
  UsageError            the words typed are off
  Refused               the person may not, or the moment is wrong
  NotFound              what was named does not exist
  Unavailable           something outside did not answer (retryable or not)
  Failed                work was begun and did not succeed
"""


class OpsbellError(Exception):
    """Something a person can understand and act on.

    `message` says what is wrong in one line; `hint` says what to do. Both are shown as they
    are, so neither may hold a secret: text from outside is redacted before it gets here.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(OpsbellError):
    """The words typed do not make a command."""


class Refused(OpsbellError):
    """Not done: a rule says no. The hint says how to get it done."""


class NotFound(OpsbellError):
    """What was named does not exist."""


class Unavailable(OpsbellError):
    """Something outside did not answer or refused to work.

    `retryable` says whether the same call may succeed later without anyone changing anything.
    """

    def __init__(self, message: str, *, hint: str = "", retryable: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


class Failed(OpsbellError):
    """Work was begun and did not succeed. `output` holds the last lines, already redacted."""

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output

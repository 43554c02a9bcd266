"""What an operation cannot do, in words for the person at the terminal."""


class OperationError(Exception):
    """Its message is one line: what happened, to what, and what to do."""

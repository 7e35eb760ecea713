"""What a script raises to say how its operation failed."""


class NonRecoverableError(Exception):
    """Trying again cannot help."""


class RecoverableError(Exception):
    """Trying again may help; `retry_after` seconds from now, or after the usual interval."""

    def __init__(self, message='', retry_after=None, causes=None, **kwargs):
        super().__init__(message)
        self.retry_after = retry_after
        self.causes = causes or []


class OperationRetry(RecoverableError):
    """Not a failure: asks to be called again."""


class HttpException(NonRecoverableError):
    """A file that was asked for could not be had."""


class ConflictError(Exception):
    """Somebody else changed the node instance meanwhile."""

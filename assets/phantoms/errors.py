"""The generator's own error: assets/ imports nothing of the other folders."""


class PhantomError(ValueError):
    """A folder or a number that the generator cannot use; the message says what mends it."""

"""Every error that reaches a user: one tree, each also a builtin kind.

A message says what was given, what was expected, and the command that mends it.
"""


class KgerError(Exception):
    """Root of the project's own errors; a CLI prints its message and exits with 2."""


class InvalidInputError(KgerError, ValueError):
    """A query, an option or a value that cannot be used."""


class ImageDecodeError(KgerError, ValueError):
    """An image file that cannot be read as a picture."""


class DatasetError(KgerError, ValueError):
    """A data folder or table that does not have the expected layout."""


class FetchError(KgerError, OSError):
    """An archive that could not be downloaded or safely unpacked."""


class BundleNotFoundError(KgerError, FileNotFoundError):
    """No bundle at the given path."""


class BundleError(KgerError, ValueError):
    """A bundle that is damaged, of an unknown schema version, or for another system."""


class ProviderError(KgerError, RuntimeError):
    """The execution provider that was asked for is not the one that would run."""


class GalleryNotFoundError(KgerError, FileNotFoundError):
    """No gallery at the given path."""


class GalleryError(KgerError, ValueError):
    """A gallery that is damaged, or that another bundle made."""


class FilterError(KgerError, ValueError):
    """A `--where` expression that cannot be understood."""


class JudgeError(KgerError, RuntimeError):
    """A judge that cannot work at all (one that fails on one image reports it as unjudged)."""


class JudgeNotEnabledError(JudgeError, PermissionError):
    """A judge that sends images away and was not switched on, or has no key."""


class ReplayMissError(JudgeError, LookupError):
    """A recorded judgement was asked for and is not in the record."""

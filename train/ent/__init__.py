"""The ENT vector field: image to image on a frozen tower."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]

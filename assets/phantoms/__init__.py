"""Synthetic ENT endoscopy phantoms: drawn, not photographed; for software, not for medicine."""

from .errors import PhantomError
from .layout import generate
from .render import render

__all__ = ["PhantomError", "generate", "render"]

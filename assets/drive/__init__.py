"""The phantom drive: synthetic front-camera street scenes, drawn and described by a program; for software tests."""

from .layout import generate

__all__ = ["generate"]

"""Judges: they score how well each retrieved item answers the query, or say why they could not.

`LocalCaptionJudge` needs nothing; `runtime.judge.gemini` and `runtime.judge.replay` are imported where used.
"""

from .local import LocalCaptionJudge
from .protocol import ImageReader, Judge

__all__ = ["ImageReader", "Judge", "LocalCaptionJudge"]

"""ENT knowledge: terms in two languages, what they look like, and what tells left from right.

It reads queries and captions, paraphrases queries, and hands a judge the few lines that matter.
"""

from .knowledge import KNOWLEDGE, Knowledge, load_knowledge
from .reading import Mention

__all__ = ["KNOWLEDGE", "Knowledge", "Mention", "load_knowledge"]

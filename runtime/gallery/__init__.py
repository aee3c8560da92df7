"""What a user's images become: items and vectors in SQLite, caches beside it."""

from .items import Item, NewItem
from .store import Gallery

__all__ = ["Gallery", "Item", "NewItem"]

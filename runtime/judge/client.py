"""What a client of a service offers to the judge."""

from dataclasses import dataclass
from typing import Protocol

from .request import Request


@dataclass(frozen=True)
class Delivered:
    """An HTTP body as it came, the attempts it took, and the milliseconds of the last one."""

    body: bytes
    attempts: int
    latency_ms: float


class Client(Protocol):
    """Sends requests to one model at one endpoint; serves several threads."""

    wire: str
    """The format of its bodies: a key of reply.READERS."""
    endpoint: str
    """The host that answers."""

    def send(self, request: Request) -> Delivered:
        """The reply's body; raises RequestFailedError after all attempts, ImageDecodeError for a broken picture."""

    def close(self) -> None:
        """Closes the connections."""

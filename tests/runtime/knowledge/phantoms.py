"""Every wording that a synthetic phantom's caption can have, with the truth that its reading must give."""

from collections.abc import Iterator

from assets.phantoms.captions import wordings
from assets.phantoms.findings import CLASSES, FINDINGS, NORMAL, SEVERITIES

Truth = tuple[tuple[str, ...], str | None, str | None, tuple[str, ...]]


def every_caption(severities: tuple[str, ...] = ("none", *SEVERITIES)) -> Iterator[tuple[Truth, str, str]]:
    """(region, side, state, finding), English, Vietnamese."""
    for kind in CLASSES:
        side, state = (None if value == "none" else value for value in (kind.side, kind.state))
        for finding in [NORMAL, *FINDINGS[kind.region]]:
            for severity in severities:
                if severity == "none" or FINDINGS[kind.region].get(finding):
                    for english, vietnamese in wordings(kind, finding, severity):
                        yield ((kind.region,), side, state, (finding,)), english, vietnamese


def truth_of(mention) -> Truth:
    return mention.regions, mention.side, mention.state, mention.findings

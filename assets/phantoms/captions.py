"""What a report would say of a view: short phrases in the challenge's style, English and Vietnamese.

Every wording names the region or its part, the side or state where the class has one, and the finding.
"""

import numpy as np

from .findings import NORMAL, View
from .phrases import PHRASES

_SIDE_VI = {"right": "phải", "left": "trái", "none": ""}
_STATE_VI = {"open": "mở", "closed": "khép", "none": ""}
_DEGREE = {
    "none": ("", ""),
    "mild": ("mild ", " mức độ nhẹ"),
    "moderate": ("moderate ", " mức độ vừa"),
    "severe": ("severe ", " mức độ nặng"),
}
_SIZE = {
    "none": ("", ""),
    "mild": ("small ", " nhỏ"),
    "moderate": ("medium-sized ", " cỡ vừa"),
    "severe": ("large ", " lớn"),
}
# things have a size, changes of tissue have a degree
_SIZED = frozenset({"perforation", "polyp", "septal spur"})
_WITH_SEVERITY = 0.4


def wordings(kind: View, finding: str, severity: str = "none") -> list[tuple[str, str]]:
    """All (English, Vietnamese) phrasings of this finding, without its severity when that is "none"."""
    english, vietnamese = (_SIZE if finding in _SIZED else _DEGREE)[severity]
    return [
        (
            en.format(side=kind.side, state=kind.state, sev=english),
            vi.format(side=_SIDE_VI[kind.side], state=_STATE_VI[kind.state], sev=vietnamese),
        )
        for en, vi in PHRASES[kind.region][finding]
    ]


def describe(kind: View, finding: str, severity: str, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Two different phrasings for one image; some name the severity, as reports do."""
    says = severity if finding != NORMAL and rng.random() < _WITH_SEVERITY else "none"
    options = wordings(kind, finding, says)
    first, second = rng.choice(len(options), 2, replace=False)
    return [options[first], options[second]]

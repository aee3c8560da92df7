"""What can be seen where: the classes, their findings, and which findings come in degrees."""

from dataclasses import dataclass

SEVERITIES = ("mild", "moderate", "severe")


@dataclass(frozen=True)
class View:
    """One class of the dataset: its number, region, side and state, and its share of the images."""

    name: str
    number: int
    region: str
    side: str
    state: str
    weight: int


# weights are the class counts of the challenge's training set
CLASSES = (
    View("nose-right", 0, "nose", "right", "none", 325),
    View("nose-left", 1, "nose", "left", "none", 290),
    View("ear-right", 2, "ear", "right", "none", 156),
    View("ear-left", 3, "ear", "left", "none", 133),
    View("vc-open", 4, "larynx", "none", "open", 159),
    View("vc-closed", 5, "larynx", "none", "closed", 147),
    View("throat", 6, "throat", "none", "none", 81),
)

NORMAL = "normal"

# region -> finding -> whether it is graded mild, moderate or severe
FINDINGS: dict[str, dict[str, bool]] = {
    "ear": {
        "erythema": True,
        "edema": True,
        "purulent discharge": True,
        "cerumen": False,
        "fungal debris": False,
        "perforation": True,
        "thickened membrane": True,
        "effusion": False,
        "scar": False,
    },
    "nose": {
        "erythema": True,
        "edema": True,
        "pale mucosa": True,
        "watery mucus": False,
        "white mucus": False,
        "purulent discharge": True,
        "polyp": True,
        "septal spur": True,
        "septal deviation": True,
        "bleeding": False,
        "scar": False,
    },
    "throat": {
        "erythema": True,
        "edema": True,
        "tonsillar hypertrophy": True,
        "tonsillar exudate": False,
        "granular posterior wall": True,
        "purulent discharge": False,
        "white mucus": False,
        "scar": False,
    },
    "larynx": {
        "erythema": True,
        "edema": True,
        "vocal cord nodule": False,
        "polyp": True,
        "omega-shaped epiglottis": False,
        "leukoplakia": False,
        "white mucus": False,
        "scar": False,
    },
}


def class_named(name: str) -> View:
    """The class of that name; KeyError where there is none."""
    for view in CLASSES:
        if view.name == name:
            return view
    raise KeyError(name)

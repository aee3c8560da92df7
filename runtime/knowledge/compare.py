"""What a query asks for against what a caption says."""

from collections.abc import Sequence

from .reading import Mention


def contradiction(asked: Mention, said: Mention) -> str | None:
    """ "other region: …", "other side: …" or "other state: …" where both name one and they differ, else None."""
    if asked.regions and said.regions and {*asked.regions}.isdisjoint(said.regions):
        return f"other region: {_and(asked.regions)} was asked for, the caption names {_and(said.regions)}"
    if asked.side and said.side and asked.side != said.side:
        return f"other side: {asked.side} was asked for, the caption names {said.side}"
    if asked.state and said.state and asked.state != said.state:
        return f"other state: {asked.state} was asked for, the caption names {said.state}"
    return None


def compared(asked: Mention, said: Mention) -> list[str]:
    """A short sentence for each of region, side, state and finding that the query names, in that order."""
    lines = [
        _line("region", asked.regions, said.regions),
        _line("side", _some(asked.side), _some(said.side)),
        _line("state", _some(asked.state), _some(said.state)),
    ]
    if denied := [name for name in asked.findings if name in said.denied]:
        lines.append(f"Finding differs: the caption says there is no {_and(denied)}.")
    else:
        lines.append(_line("finding", asked.findings, said.findings))
    return [line for line in lines if line]


def _line(what: str, asked: Sequence[str], said: Sequence[str]) -> str:
    if not asked:
        return ""
    if not said:
        return f"{what.capitalize()} left open: {_and(asked)} was asked for, the caption names none."
    if both := [name for name in asked if name in said]:
        return f"{what.capitalize()} agrees: {_and(both)}."
    return f"{what.capitalize()} differs: {_and(asked)} was asked for, the caption names {_and(said)}."


def _some(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

"""Which words of a query say what is to be seen: all but the stop words, single letters and punctuation."""

# articles, pronouns, auxiliaries, conjunctions and prepositions, and what only introduces a question
_STOP = frozenset(
    """
    a an the this that these those some any each every there here it its he she they them his her their we us our you
    your i me my who which what where when whose whom one ones thing things something
    is are was were be been being am do does did has have had having can could may might will would shall should must
    and or but nor so if then than as while
    of at in on to from by with without into onto over under for about near through along across around behind beside
    between off out up down after before during within toward towards ahead
    not no very just also only all both
    show find give look search see seen visible please scene scenes picture image photo frame video clip camera
    """.split()  # noqa: SIM905 - a list of words reads better so
)


def is_content(word: str) -> bool:
    """Whether a word is one that a scene can lack: no stop word, and more than one letter or digit."""
    return sum(letter.isalnum() for letter in word) > 1 and word.casefold() not in _STOP

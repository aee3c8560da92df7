"""From a shot to a row: the caption given or asked for, its elements, the weather that it names, and the checks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from runtime.carim.conditions import weather_of
from runtime.carim.rows import Row, parse_row
from runtime.errors import ImageDecodeError, InvalidInputError
from runtime.images import read_content
from runtime.judge.request import Picture

from .places import frames_path, seen_from
from .shot import Failure, Shot
from .writer import NotWrittenError, Writer

ADVICE = {
    "caption": "no caption is given; ask for one with --captioner gemini, openai or qwen-vl",
    "elements": "no elements are given; ask for them with --extractor gemini, openai or qwen",
}


class Describer:
    """Makes the rows of the data folder `out`; what is given is kept, the writers are asked for the rest."""

    def __init__(self, out: Path, films: Any, captioner: Writer | None, extractor: Writer | None) -> None:
        self._out, self._films = out, films
        self._captioner, self._extractor = captioner, extractor

    def check(self, shots: Sequence[Shot]) -> None:
        """Raises InvalidInputError where captions would be paid for that nobody turns into elements."""
        bare = [shot for shot in shots if not shot.elements]
        if self._captioner and not self._extractor and bare:
            raise InvalidInputError(f"{len(bare)} of {len(shots)} rows ({bare[0].id}, …): {ADVICE['elements']}")

    def describe_all(self, shots: Sequence[Shot], threads: int, done: Callable[[], object]) -> Iterator[Row | Failure]:
        """A row or a failure for each shot, in order; `done` is called after each."""
        if not (self._captioner or self._extractor):
            for shot in shots:
                yield self.describe(shot)
                done()
            return
        pool = ThreadPoolExecutor(threads)
        try:
            for made in pool.map(self.describe, shots):
                yield made
                done()
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl+C nothing more is asked

    def describe(self, shot: Shot) -> Row | Failure:
        """The checked row, or the stage that failed and why."""
        stage = "caption"
        try:
            caption = self._caption(shot)
            stage = "elements"
            elements = self._elements(shot, caption)
            stage = "row"
            return self._row(shot, caption, elements)
        except ImageDecodeError as error:
            return Failure(shot.id, shot.scene, "picture", str(error))
        except (NotWrittenError, ValueError) as error:
            return Failure(shot.id, shot.scene, stage, str(error))

    def _caption(self, shot: Shot) -> str:
        given = " ".join((shot.caption or "").split())
        if given or (shot.elements and not self._captioner):  # elements alone can be searched
            return given
        if self._captioner is None:
            raise NotWrittenError(ADVICE["caption"])
        if shot.picture is None:
            raise NotWrittenError("neither a caption nor a picture to write one of")
        # named by its place in the scene: a message must not hold this machine's paths
        return self._captioner.caption(Picture(shot.id, read_content(shot.picture)))

    def _elements(self, shot: Shot, caption: str) -> Sequence[str]:
        if shot.elements:
            return shot.elements
        if self._extractor is None:
            raise NotWrittenError(ADVICE["elements"])
        return self._extractor.elements(caption)

    def _row(self, shot: Shot, caption: str, elements: Sequence[str]) -> Row:
        weather = weather_of(caption or ". ".join(elements))
        meta = {"weather": weather} if weather else {}
        meta |= {key: value for key, value in shot.meta.items() if key != "frames"}
        if shot.scene in self._films:
            meta["frames"] = frames_path(shot.scene)
        return parse_row(
            {
                "id": shot.id,
                "scene": shot.scene,
                "image": seen_from(self._out, shot.picture) if shot.picture else None,
                "timestamp": shot.timestamp,
                "caption": caption,
                "elements": list(elements),
                "meta": meta,
            }
        )

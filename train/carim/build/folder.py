"""A folder of pictures or of videos: sub-folders and videos are scenes, in natural order."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import DatasetError
from runtime.images import IMAGE_SUFFIXES

from .shot import Failure, FilmFrame, Shot, Source, Wanted, named_time, natural
from .video import VIDEO_SUFFIXES, FilmSettings, UnreadableVideoError, film_of


def read_folder(
    root: Path,
    out: Path,
    settings: FilmSettings,
    *,
    wanted: Wanted = lambda _: True,
    skip: Path | None = None,
) -> Source:
    """Every picture is a key frame, `settings.every_s` after the one before; a video is cut by `film_of` into `out`.

    Ids are paths in `root`; what lies in `skip` (None: `out`) is none of the source. A video that cannot be read is
    a failure. Raises DatasetError where the folder holds neither.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; expected a folder of pictures or of videos")
    skipped = (skip or out).resolve()
    files = [path for path in root.rglob("*") if path.is_file() and not _hidden(path, root)]
    files = sorted((f for f in files if not f.resolve().is_relative_to(skipped)), key=lambda f: natural(str(f)))
    pictures: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            pictures[_folder_scene(path, root)].append(path)
    videos = _video_scenes([f for f in files if f.suffix.lower() in VIDEO_SUFFIXES], root, set(pictures))
    if not pictures and not videos:
        raise DatasetError(f"{root}: holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))}) and no video")
    shots: list[Shot] = []
    films: dict[str, tuple[FilmFrame, ...]] = {}
    failures: list[Failure] = []
    for scene in sorted(filter(wanted, pictures), key=natural):
        shots += (made := _picture_shots(scene, pictures[scene], root, settings.every_s))
        films[scene] = tuple(FilmFrame(s.picture, s.timestamp, True) for s in made if s.picture)
    for scene in sorted(filter(wanted, videos), key=natural):
        try:
            film, problem = film_of(videos[scene], out, scene, settings)
        except UnreadableVideoError as error:
            failures.append(Failure("", scene, "source", str(error)))
            continue
        if problem:
            failures.append(Failure("", scene, "source", problem))
        films[scene] = film
        shots += _film_shots(scene, film, videos[scene])
    scenes = tuple(sorted({*pictures, *videos}, key=natural))
    return Source("folder", root.resolve().name, scenes, tuple(shots), films, tuple(failures))


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _folder_scene(path: Path, root: Path) -> str:
    return path.parent.relative_to(root).as_posix() if path.parent != root else root.resolve().name


def _video_scenes(videos: Sequence[Path], root: Path, taken: set[str]) -> dict[str, Path]:
    """By scene: a video's path without its suffix, with it where two would be called alike."""
    plain = [video.relative_to(root).with_suffix("").as_posix() for video in videos]
    return {
        name if plain.count(name) == 1 and name not in taken else video.relative_to(root).as_posix(): video
        for name, video in zip(plain, videos, strict=True)
    }


def _picture_shots(scene: str, pictures: Sequence[Path], root: Path, every_s: float) -> list[Shot]:
    return [
        Shot(path.relative_to(root).as_posix(), scene, path, round(i * every_s, 6), meta=named_time(path.name))
        for i, path in enumerate(pictures)
    ]


def _film_shots(scene: str, film: Sequence[FilmFrame], video: Path) -> list[Shot]:
    # one id a key frame, and the same one whatever else is cut from the video
    return [
        Shot(f"{scene}@{f.timestamp:.3f}", scene, f.picture, f.timestamp, meta=named_time(video.name))
        for f in film
        if f.key
    ]

"""The film around a hit: which frames, what stands in the sprite, and an MP4 that can be read back."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.carim.clip import ClipSettings, around, content_hash, make_sprite, write_mp4
from runtime.carim.rows import Frame
from runtime.errors import DatasetError

SIZE = (96, 54)


def colour(i: int) -> tuple[int, int, int]:
    """Frame i's own RGB, far enough from its neighbours' that lossy coding cannot confuse them."""
    return (30 + i % 5 * 50, 30 + i // 5 % 5 * 50, 30 + i // 25 * 50)


def film(root: Path, count: int = 61, rate_hz: float = 10.0, start: float = 100.0) -> list[Frame]:
    frames = []
    for i in range(count):
        picture = np.full((SIZE[1], SIZE[0], 3), colour(i)[::-1], np.uint8)
        (root / "film").mkdir(exist_ok=True)
        cv2.imwrite(str(root / "film" / f"{i:03}.png"), picture)
        frames.append(Frame(f"film/{i:03}.png", start + i / rate_hz, key=i % 5 == 0))
    return frames


def sprite_frame(root: Path, frames: list[Frame], at: float, settings: ClipSettings, i: int) -> np.ndarray:
    sprite = make_sprite(root, around(frames, at, settings), settings)
    sheet = cv2.imdecode(np.frombuffer(sprite.jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    y, x = i // sprite.columns * sprite.height, i % sprite.columns * sprite.width
    return sheet[y : y + sprite.height, x : x + sprite.width]


def test_a_clip_is_what_lies_within_its_seconds_and_times_count_from_the_hit() -> None:
    frames = [Frame(f"{i}.jpg", i / 10, key=i % 5 == 0) for i in range(400)]
    clip = around(frames, 15.04)
    assert (clip.frames[0].timestamp, clip.frames[-1].timestamp) == (5.1, 25.0)
    assert clip.frames[clip.hit].timestamp == 15.0
    assert clip.times_s[clip.hit] == 0
    assert clip.times_s[0] == -9.9
    start = around(frames, 2.0)
    assert (start.frames[0].timestamp, start.frames[-1].timestamp, start.hit) == (0, 12, 20)


def test_a_fast_film_is_thinned_and_keeps_its_key_frames_and_the_hit() -> None:
    frames = [Frame(f"{i}.jpg", i / 50, key=i % 25 == 0) for i in range(1001)]
    clip = around(frames, 10.06, ClipSettings(most_frames=100))
    assert len(clip.frames) <= 100
    assert clip.frames[clip.hit].timestamp == 10.06
    assert sum(frame.key for frame in clip.frames) == 40  # at 0.5, 1.0 … 20.0 s
    assert max(np.diff(clip.times_s)) < 0.5
    assert len(around(frames, 10.0, ClipSettings(most_frames=10)).frames) <= 10  # fewer than the key frames


def test_no_frame_near_the_hit_is_a_sentence() -> None:
    with pytest.raises(DatasetError, match="within 10 s of 900 s"):
        around([Frame("0.jpg", 0.0, key=True)], 900.0)


def test_each_frame_stands_in_its_place_of_the_sprite(tmp_path: Path) -> None:
    frames, settings = film(tmp_path), ClipSettings(around_s=2)
    for i in (0, 7, 40):
        tile = sprite_frame(tmp_path, frames, 103.0, settings, i)
        # 103 s is frame 30, and the clip starts 20 frames before it; JPEG bleeds over a tile's edge
        assert np.abs(tile[12:-12, 12:-12] - np.array(colour(10 + i), float)).max() < 12
        assert tile.shape == (54, 96, 3)


def test_a_sprite_is_never_larger_than_its_pictures_nor_than_was_asked(tmp_path: Path) -> None:
    clip = around(film(tmp_path, count=5), 100.2)
    assert (make_sprite(tmp_path, clip).width, make_sprite(tmp_path, clip).height) == SIZE
    small = make_sprite(tmp_path, clip, ClipSettings(tile_px=48))
    assert (small.width, small.height) == (48, 28)


def test_missing_and_damaged_pictures_are_grey_and_named(tmp_path: Path) -> None:
    frames, settings = film(tmp_path, count=5), ClipSettings()
    (tmp_path / "film/000.png").unlink()
    (tmp_path / "film/003.png").write_bytes(b"no picture")
    clip = around(frames, 100.2)
    assert make_sprite(tmp_path, clip).unreadable == ("film/000.png", "film/003.png")
    assert np.abs(sprite_frame(tmp_path, frames, 100.2, settings, 3)[20:30, 20:70] - 96.0).max() < 8
    assert write_mp4(tmp_path, clip, tmp_path / "clip.mp4").unreadable == ("film/000.png", "film/003.png")
    for path in (tmp_path / "film").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="none of the clip's 5 pictures can be read"):
        make_sprite(tmp_path, clip)


def test_a_picture_of_another_shape_is_letterboxed(tmp_path: Path) -> None:
    frames = film(tmp_path, count=3)
    cv2.imwrite(str(tmp_path / "film/001.png"), np.full((54, 54, 3), 255, np.uint8))
    tile = sprite_frame(tmp_path, frames, 100.0, ClipSettings(), 1)
    assert tile[27, 48].min() > 240
    assert tile[27, :12].max() < 15


def read_back(path: Path) -> tuple[list[np.ndarray], float, tuple[int, int]]:
    video = cv2.VideoCapture(str(path))
    pictures = []
    while True:
        done, picture = video.read()
        if not done:
            break
        pictures.append(picture[:, :, ::-1])
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    rate = video.get(cv2.CAP_PROP_FPS)
    video.release()
    return pictures, rate, size


def test_the_mp4_is_one_that_browsers_play_and_holds_every_frame_in_order(tmp_path: Path) -> None:
    frames, settings = film(tmp_path), ClipSettings(around_s=1.5)
    written = write_mp4(tmp_path, around(frames, 103.0, settings), tmp_path / "out/clip.mp4", settings)
    assert (written.codec, written.frames, written.unreadable) == ("vp09", 31, ())
    pictures, rate, size = read_back(tmp_path / "out/clip.mp4")
    assert (len(pictures), rate, size) == (31, 10, SIZE)
    for i, picture in enumerate(pictures):
        assert np.abs(picture[10:-10, 10:-10].mean((0, 1)) - colour(15 + i)).max() < 15, i
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.mp4"]


def test_a_film_of_key_frames_alone_keeps_its_own_time(tmp_path: Path) -> None:
    frames = film(tmp_path, count=7, rate_hz=2.0)
    written = write_mp4(tmp_path, around(frames, 101.5), tmp_path / "clip.mp4")
    assert written.frames == 31  # three seconds of ten frames, and the last
    pictures, _, _ = read_back(tmp_path / "clip.mp4")
    assert np.abs(pictures[12][27, 48].astype(float) - colour(2)).max() < 15  # 1.2 s: the frame of 1.0 s


def test_what_is_made_of_a_film_is_named_by_its_content(tmp_path: Path) -> None:
    frames = film(tmp_path, count=4)
    clip = around(frames, 100.1)
    name = content_hash(tmp_path, clip)
    assert name == content_hash(tmp_path, clip)
    assert name != content_hash(tmp_path, clip, ClipSettings(tile_px=100))
    (tmp_path / "film/002.png").write_bytes((tmp_path / "film/001.png").read_bytes())
    assert name != content_hash(tmp_path, clip)
    (tmp_path / "film/002.png").unlink()
    assert len(content_hash(tmp_path, clip)) == 64

"""What the panel of driving scenes shows and hands out; the drive is synthetic."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from assets.drive.layout import generate
from demo import carim_source
from demo.carim_answer import Question, Shown, ask
from demo.carim_cards import cards
from demo.carim_events import Events
from demo.carim_export import MOST_FILES, Exports
from demo.carim_panel import BUNDLE, add_carim_panel
from demo.carim_player import film_of, frames_of, moment_of, player_value
from demo.carim_source import Preparation, Ready, draw, is_synthetic, open_ready
from demo.carim_why import bars, heat, why
from runtime.carim.clip import ClipSettings, around
from runtime.carim.encoder import EncodedQuery, Word
from runtime.carim.explain import Asked, Explanation, explain
from runtime.carim.results import Scene, SceneHit
from runtime.carim.rows import read_rows
from runtime.errors import DatasetError, FilterError

from .carim_scenes import EVIL, SCENES, draw_scenes
from .serving import ROOT


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_scenes(tmp_path_factory.mktemp("carim") / "drive")


@pytest.fixture(scope="module")
def ready(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    opened = open_ready(BUNDLE, tmp_path_factory.mktemp("cache"), data, quiet)
    yield opened
    opened.system.gallery.close()


@pytest.fixture
def exports() -> Iterator[Exports]:
    made = Exports()
    yield made
    made.close()


def scene(data: Path, number: int = 0, **changed: object) -> Scene:
    row = read_rows(data).rows[number]
    values = {
        "scene": row.scene,
        "item_id": number,
        "frame_id": row.id,
        "image": None if row.image is None else str(data / row.image),
        "timestamp": row.timestamp,
        "caption": row.caption,
        "elements": row.elements,
        "metadata": row.meta,
        "frames": str(data / row.meta["frames"]) if "frames" in row.meta else None,
    }
    return Scene(**(values | changed))


def explanation() -> tuple[str, Explanation]:
    text = "<b>red</b> car in rain"
    spans = (("red", 3), ("car", 11), ("in", 15), ("rain", 18))
    vectors = np.eye(4, dtype=np.float32)
    words = tuple(Word(word, at, at + len(word), (i,)) for i, (word, at) in enumerate(spans))
    elements = np.array([[0.8, 0.6, 0, 0], [0, 0, 0.6, 0.2]], np.float32)
    asked = Asked((3,), vectors[3:], np.array([0.9], np.float32), ("heavy <i>rain</i>",))
    return text, explain(EncodedQuery(text, vectors, words), elements, ("red car", "<i>road</i>"), asked)


def test_the_values_of_a_filter_are_alternatives_and_other_expressions_stand_as_written() -> None:
    facets = {"weather": ["rain", "fog"], "location": ["a|b"], "time_of_day": []}
    question = Question("", facets, ["lanes>=2", "weather=snow", "caption~tunnel", "signal!=red", "signal=red|none"])
    assert question.where == [
        "weather=rain|fog|snow", "location=a\\|b", "lanes>=2", "caption~tunnel", "signal!=red", "signal=red|none",
    ]  # fmt: skip


def test_cards_escape_their_texts_choose_the_first_and_show_text_only_scenes(data: Path) -> None:
    rows = len(read_rows(data).rows)
    html = cards([scene(data), scene(data, rows - 1, scene=EVIL)], "2 <scenes>", synthetic=True)
    assert "2 &lt;scenes&gt;" in html
    assert html.count("<img") == 1
    assert "(synthetic)" in html
    assert html.index('aria-pressed="true"') < html.index('aria-pressed="false"')
    assert "text only" in html
    assert "<em>snow plough</em>" in html


def test_the_heat_marks_every_word_by_its_share_and_the_bars_add_up_to_the_score() -> None:
    text, found = explanation()
    warm = heat(found, text)
    assert "&lt;b&gt;<mark style='--warm:100%'" in warm
    assert ">car</mark> <mark" in warm
    assert "--warm:25%" in warm  # rain .2 of red's .8
    assert "<b>" not in warm
    assert "<i>road" not in warm
    drawn = bars(found)
    assert drawn.index("red car") < drawn.index("&lt;i&gt;road")
    assert "<b>0.350</b>" in drawn  # (.8 + .6) / 4
    assert "<b>0.200</b>" in drawn  # (.6 + .2) / 4
    assert '<p class="sum"><span>the shares add up to the score</span><b>0.550</b>' in drawn


def test_what_the_query_asks_for_and_the_scene_lacks_is_named(data: Path) -> None:
    text, found = explanation()
    hit = SceneHit.of(scene(data, caption="<u>wet</u>"), 1, 0.55, found)
    html = why(hit, text, synthetic=True)
    assert "heavy &lt;i&gt;rain&lt;/i&gt;" in html
    assert "<q>red&lt;/b&gt; car</q> → red car" in html
    assert "&lt;u&gt;wet" in html
    assert 'class="synthetic"' in html
    assert "Why this match" not in why(scene(data), "", synthetic=False)


def test_the_player_gets_one_picture_with_all_frames_and_when_they_were(data: Path) -> None:
    shown = scene(data, 6)  # the seventh key frame: 3.0 s
    assert moment_of(shown) == "3.0 s"
    value = player_value(film_of(data, shown, synthetic=True), reveal=True)
    assert value["sprite"].startswith("data:image/jpeg;base64,/9j/")
    assert (len(value["times"]), value["hit"], value["times"][30]) == (40, 30, 0)
    assert (value["times"][0], value["keys"][:6]) == (-3.0, [True, False, False, False, False, True])
    assert (value["width"], value["height"], value["note"]) == (384, 216, "")
    assert str(data) not in json.dumps(value)


def test_lost_pictures_are_counted_a_lost_film_is_told_and_text_has_none(data: Path, tmp_path: Path) -> None:
    shown = scene(data, 6)
    empty = film_of(tmp_path, shown, synthetic=False)
    with pytest.raises(DatasetError, match="none of the clip's 40 pictures"):
        player_value(empty, reveal=False)
    (tmp_path / Path(shown.image).relative_to(data).parent).mkdir(parents=True)
    (tmp_path / Path(shown.image).relative_to(data)).write_bytes(Path(shown.image).read_bytes())
    assert player_value(empty, reveal=False)["note"] == "39 of 40 pictures cannot be read: grey frames"
    with pytest.raises(DatasetError, match="build the data again"):
        frames_of(str(tmp_path / "frames.json"))
    still = player_value(film_of(data, scene(data, 6, frames=None), synthetic=False), reveal=False)
    assert (still["times"], still["hit"]) == ([0], 0)
    (tmp_path / "frames.json").write_text("{}")
    gone = film_of(data, scene(data, 6, frames=None, image=str(data / "lost.jpg")), synthetic=False)
    for failing in (lambda: frames_of(str(tmp_path / "frames.json")), lambda: player_value(gone, reveal=False)):
        with pytest.raises(DatasetError) as told:
            failing()
        assert str(tmp_path.parent) not in str(told.value), "where the server keeps its files is told to nobody"
    text = player_value(film_of(data, scene(data, 6, frames=None, image=None), synthetic=False), reveal=False)
    assert (text["sprite"], text["note"]) == (None, "This scene is text only: nothing was filmed or drawn.")


def test_an_mp4_is_written_once_and_old_files_go(data: Path, exports: Exports) -> None:
    film = film_of(data, scene(data, 6), synthetic=True)
    film = replace(film, clip=around(film.clip.frames, film.clip.frames[30].timestamp, ClipSettings(around_s=0.5)))
    path, seconds = exports.clip(film)
    written = path.stat().st_mtime_ns
    assert seconds == pytest.approx(1.0)
    assert path.name == "scene-0001-around-3.0-s.mp4"
    assert exports.clip(film)[0].stat().st_mtime_ns == written
    ready = Ready(None, data, {}, synthetic=True)  # type: ignore[arg-type]
    for number in range(MOST_FILES + 5):
        last = exports.hits(ready, Shown(Question(str(number), {}), (scene(data),), 1))
    assert len(list(path.parent.parent.glob("*/*"))) <= MOST_FILES + 1
    value = json.loads(last.read_text("utf-8"))
    assert value["question"] == {"text": str(MOST_FILES + 4), "where": []}
    assert value["hits"][0]["image"] == read_rows(data).rows[0].image
    assert value["synthetic"] is True
    exports.close()
    assert not path.exists()


def test_a_written_film_is_offered_only_while_it_is_the_one_that_is_seen(
    data: Path, exports: Exports, tmp_path: Path
) -> None:
    film = film_of(data, scene(data, frames=None), synthetic=True)  # a still: one frame
    other = replace(film, title="another")
    events = Events(Preparation(tmp_path, tmp_path), exports)
    made = events.write(film)
    told, make, download = events.offer(film, made)
    assert (told.visible, make.visible, download.visible) == (False, False, True)
    assert made.label.startswith("Download 0 s of film (0.0 MB)")
    assert events.offer(other, made) == events.offer(film, None) == (gr.skip(),) * 3
    lost = replace(film, clip=replace(film.clip, frames=(replace(film.clip.frames[0], image="lost.jpg"),)))
    told, make, download = events.offer(lost, events.write(lost))
    assert "1 pictures can be read, lost.jpg for example" in told.value
    assert str(data) not in told.value
    assert make.interactive
    assert download == gr.skip()


def test_a_drive_is_drawn_into_the_cache_and_an_older_one_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carim_source, "SECONDS", 1)
    seen: list[tuple[str, int, int]] = []
    old = tmp_path / f"drive-1-1-{carim_source.SEED}"
    generate(old, scenes=1, seconds=1, seed=3, only="drawn")
    data = draw(tmp_path, lambda *told: seen.append(told), scenes=1)
    assert data == old / "drawn"
    assert seen == [(carim_source.DRAW, 1, 1)]
    assert len(read_rows(data).rows) == 2
    assert is_synthetic(data)
    assert not is_synthetic(tmp_path)


def test_a_preparation_that_fails_says_why_and_can_be_begun_again(tmp_path: Path) -> None:
    preparation = Preparation(tmp_path / "bundle", tmp_path / "cache", tmp_path / "data")
    for _ in range(2):
        preparation.start()
        assert preparation.wait(30)
        assert "rows.jsonl" in preparation.error
    preparation.stop()


def test_searching_and_browsing_obey_the_same_filters(ready: Ready) -> None:
    everything = ask(ready, Question("", {}))
    assert (everything.total, everything.result) == (SCENES + 2, None)
    for text in ("", "a snow plough"):
        shown = ask(ready, Question(text, {"weather": ["snow"]}, ["location=written-only"]))
        assert {found.scene for found in shown.scenes} == {"text-1", "text-2"}
        nothing = ask(ready, Question(text, {"weather": ["hail"]}))
        assert nothing.scenes == ()
        assert nothing.heading.startswith("No scene matches weather=hail; weather: ")
        with pytest.raises(FilterError):
            ask(ready, Question(text, {}, ["weather"]))
    assert is_synthetic(ready.root)
    assert ready.facets["weather"]["snow"] == 2


def test_a_hits_shares_are_its_score_and_the_best_frame_stands_for_its_scene(ready: Ready) -> None:
    shown = ask(ready, Question("a red car crossing the junction in the rain", {}, most=3))
    assert len({hit.scene for hit in shown.scenes}) == len(shown.scenes) == 3
    for hit in shown.scenes:
        assert sum(hit.explanation.shares) == pytest.approx(hit.score, abs=1e-6)
    assert f"best 3 of {SCENES + 2} scenes" in shown.heading


def test_without_a_bundle_there_is_no_panel_and_nothing_is_drawn(tmp_path: Path) -> None:
    add_carim_panel(tmp_path / "cache", tmp_path)  # outside of a page any event would raise
    assert not (tmp_path / "cache").exists()


def test_a_page_whose_panel_stays_closed_loads_no_code_that_draws() -> None:
    asked = "import sys, demo.carim_source; print('assets.drive' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False"], done.stderr

"""The panel of driving scenes in a real browser: search, filters, the player, the reasons, the downloads."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import pytest

from .carim_scenes import EVIL, SCENES, draw_scenes
from .serving import ROOT, free_port, running

pytestmark = pytest.mark.browser

# the panel alone, as the app shows it: without the first start of the main page's gallery
APP = """
import sys
from pathlib import Path
import gradio as gr
from demo.app import launch
from demo.carim_panel import add_carim_panel
cache, data, port = sys.argv[1:]
with gr.Blocks(title="scenes", analytics_enabled=False, fill_width=True) as page:
    add_carim_panel(Path(cache), data=Path(data))
launch(page, host="127.0.0.1", port=int(port), served=lambda: None)
"""
PLAYER = "document.querySelector('#carim-player .player')"
PIXELS = """() => {
  const canvas = document.querySelector('#carim-player canvas');
  const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return [...bytes].filter((_, i) => i % 97 == 0);
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    scratch = tmp_path_factory.mktemp("carim")
    data = draw_scenes(scratch / "drive")
    arguments = [str(scratch / "cache"), str(data), str(free_port())]
    with running(["-c", APP, *arguments], ROOT, scratch / "log", GRADIO_ANALYTICS_ENABLED="False") as url:
        yield url
    assert "Traceback" not in (scratch / "log").read_text("utf-8")


@pytest.fixture(scope="module")
def opened(browser: Any, address: str) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    page.faults, page.hosts = [], set()
    page.on("console", lambda m: page.faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.hosts.add(urlsplit(request.url).hostname))
    page.goto(address)
    assert not page.locator("#carim-text").is_visible()
    page.locator("#carim > button").click()
    page.wait_for_function(f"{PLAYER}?.dataset.state === 'paused'")
    yield page
    page.close()


@pytest.fixture
def page(opened: Any) -> Any:
    """The one page, listing every scene, its player at the first one's hit."""
    while opened.locator("#carim .token-remove").count():
        with answered(opened):
            opened.locator("#carim .token-remove").first.click()
    search(opened, "")
    return opened


@contextmanager
def answered(page: Any) -> Iterator[None]:
    """What is done in the block causes one answer, and the block ends when the player has its film."""
    loads = page.evaluate(f"+({PLAYER}.dataset.loads || 0)")
    yield
    page.wait_for_function(f"+({PLAYER}.dataset.loads || 0) > {loads}")


def search(page: Any, text: str) -> None:
    page.locator("#carim-text textarea, #carim-text input").fill(text)
    with answered(page):
        page.locator("#carim-go").click()


def pick(page: Any, place: int) -> None:
    with answered(page):
        page.locator(f"#carim-scenes button[data-place='{place}']").click()


def choose(page: Any, box: str, option: str) -> None:
    page.locator(f"#carim-{box} input").click()
    with answered(page):
        page.get_by_role("option", name=re.compile(rf"^{option} \(\d+\)$")).click()
    page.keyboard.press("Escape")


def heading(page: Any) -> str:
    return page.locator("#carim-scenes .heading").inner_text()


def frame(page: Any) -> int:
    return int(page.locator("#carim-player .player").get_attribute("data-frame"))


def test_scenes_are_listed_with_thumbnails_and_without_words(page: Any) -> None:
    assert heading(page) == f"{SCENES + 2} of {SCENES + 2} scenes"
    images = page.locator("#carim-scenes img")
    assert images.count() == SCENES
    assert all(image.evaluate("i => i.complete && i.naturalWidth > 100") for image in images.all())
    assert all("(synthetic)" in image.get_attribute("alt") for image in images.all())
    assert page.locator("#carim-scenes .words").count() == 2
    assert page.locator("#carim-why .match").count() == 0


def test_a_search_ranks_the_scenes_and_tells_why_the_first_matches(page: Any) -> None:
    search(page, "a red car crossing the junction in the rain")
    assert "“a red car crossing the junction in the rain”" in heading(page)
    scores = [float(text) for text in page.locator("#carim-scenes .line b").all_inner_texts()]
    assert len(scores) == SCENES + 2
    assert scores == sorted(scores, reverse=True)
    shares = [float(text) for text in page.locator("#carim-why .shares b").all_inner_texts()]
    total = float(page.locator("#carim-why .sum b").inner_text())
    assert total == scores[0]
    assert sum(shares) == pytest.approx(total, abs=0.0006 * len(shares))
    marks = page.locator("#carim-why .heat mark")
    assert marks.all_inner_texts() == ["a", "red", "car", "crossing", "the", "junction", "in", "the", "rain"]
    assert "of the score, by “" in marks.nth(1).get_attribute("title")
    widths = page.locator("#carim-why .track i").evaluate_all("bars => bars.map(bar => bar.offsetWidth)")
    assert widths[0] > widths[-1] > 0
    assert page.locator("#carim-why .elements li").count() >= 5


def test_filters_hold_for_the_list_and_for_a_search_and_an_empty_answer_is_a_sentence(page: Any) -> None:
    choose(page, "weather", "snow")
    assert heading(page) == "2 of 2 scenes where weather=snow"
    search(page, "a car")
    assert heading(page).startswith("best 2 of 2 scenes for “a car” where weather=snow")
    assert sorted(page.locator("#carim-scenes .name").all_inner_texts()) == ["text-1", "text-2"]
    page.locator("#carim-player .idle", has_text="text only").wait_for()
    choose(page, "time_of_day", "daytime")
    assert heading(page).startswith("No scene matches time_of_day=daytime and weather=snow; ")
    assert page.locator("#carim-scenes button").count() == 0
    assert page.locator("#carim-why section").count() == 0


def test_two_seconds_of_film_play_and_the_picture_changes(page: Any) -> None:
    player = page.locator("#carim-player .player")
    player.focus()
    player.press("Home")
    assert frame(page) == 0
    before = page.evaluate(PIXELS)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    player.press("Space")
    assert player.get_attribute("data-state") == "playing"
    page.wait_for_function(f"+{PLAYER}.dataset.frame >= 20")  # 2 s at ten frames a second
    player.press("Space")
    assert player.get_attribute("data-state") == "paused"
    after = page.evaluate(PIXELS)
    changed = sum(abs(a - b) > 12 for a, b in zip(before, after, strict=True))
    assert changed > len(before) / 50
    assert [url for url in asked if not url.startswith("data:") and "heartbeat" not in url] == []


def test_the_speed_is_that_of_the_film(page: Any) -> None:
    page.locator("#carim-player [data-speed='4']").click()
    page.locator("#carim-player .player").press("Home")
    took = page.evaluate(f"""() => new Promise(done => {{
      const start = performance.now();
      document.querySelector('#carim-player [data-do=play]').click();
      const look = () => +{PLAYER}.dataset.frame >= 39 ? done(performance.now() - start) : requestAnimationFrame(look);
      look();
    }})""")
    assert 900 < took < 2500  # four seconds of film at four times the speed, not a quarter or all of it
    page.wait_for_function(f"{PLAYER}.dataset.state === 'paused'")  # by itself at the end
    assert frame(page) == 39
    page.locator("#carim-player [data-speed='1']").click()


def test_keys_step_by_frame_and_second_and_return_to_the_hit(page: Any) -> None:
    pick(page, 1)
    player = page.locator("#carim-player .player")
    hit = frame(page)
    player.press("End")
    assert frame(page) == 39
    player.press("ArrowLeft")
    assert frame(page) == 38
    player.press("Shift+ArrowLeft")
    assert frame(page) == 28
    player.press("ArrowRight")
    assert frame(page) == 29
    player.press("Home")
    player.press("Shift+ArrowRight")
    assert frame(page) == 10
    assert "key frame" in page.locator("#carim-player input[type=range]").get_attribute("aria-valuetext")
    player.press("h")
    assert frame(page) == hit
    assert page.locator("#carim-player .marks .key").count() == 8
    assert page.locator("#carim-player .marks .star").count() == 1
    slider = page.locator("#carim-player input[type=range]").bounding_box()
    page.mouse.click(slider["x"] + slider["width"] / 2, slider["y"] + slider["height"] / 2)
    assert abs(frame(page) - 20) <= 1
    assert player.get_attribute("data-state") == "paused"


def test_the_hits_and_the_film_are_downloads_and_the_browser_plays_the_film(page: Any, tmp_path: Path) -> None:
    with page.expect_download() as hits:
        page.locator("#carim-json").click()
    hits.value.save_as(tmp_path / "hits.json")
    value = json.loads((tmp_path / "hits.json").read_text("utf-8"))
    assert (value["total"], len(value["hits"]), value["synthetic"]) == (SCENES + 2, SCENES + 2, True)
    page.locator("#carim-make").click()
    page.locator("#carim-clip").wait_for()
    with page.expect_download() as clip:
        page.locator("#carim-clip").click()
    assert clip.value.suggested_filename == "scene-0001-around-0.0-s.mp4"
    clip.value.save_as(tmp_path / "clip.mp4")
    video = cv2.VideoCapture(str(tmp_path / "clip.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    video.release()
    played = page.evaluate(
        """async bytes => {
          const video = document.createElement('video');
          video.src = URL.createObjectURL(new Blob([new Uint8Array(bytes)], {type: 'video/mp4'}));
          video.muted = true;
          await new Promise((done, failed) => { video.onseeked = done; video.onerror = () => failed(video.error);
            video.onloadeddata = () => { video.currentTime = 2; }; });
          return [video.duration, video.videoWidth, video.currentTime];
        }""",
        list((tmp_path / "clip.mp4").read_bytes()),
    )
    assert played == [pytest.approx(4, abs=0.11), 480, 2]


def test_markup_in_the_data_or_the_question_stays_text(page: Any) -> None:
    search(page, EVIL)
    assert EVIL in heading(page)
    with answered(page):
        page.locator("#carim-scenes button", has_text="text-2").click()
    page.locator("#carim-why .told", has_text=EVIL).wait_for()
    assert page.locator("#carim img[src=x]").count() == 0


def test_a_narrow_screen_shows_the_player_below_the_scenes_and_never_scrolls_sideways(
    browser: Any, address: str
) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 860}, color_scheme="dark")
    page.goto(address)
    page.locator("#carim > button").click()
    page.wait_for_function(f"{PLAYER}?.dataset.state === 'paused'")
    scenes, player = page.locator("#carim-scenes").bounding_box(), page.locator("#carim-player").bounding_box()
    assert player["y"] > scenes["y"]
    assert scenes["height"] < 320
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_the_panel_loads_nothing_from_elsewhere_and_the_console_stays_silent(opened: Any) -> None:
    assert opened.hosts - {None, ""} == {"127.0.0.1"}
    assert opened.faults == []

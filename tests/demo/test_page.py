"""The real app in a real browser: every stage, every control, every sentence."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .serving import ROOT, SHIPPED, free_port, open_page, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(bundle: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    scratch = tmp_path_factory.mktemp("app")
    command = ["-m", "demo", "--bundle", str(bundle), "--data", str(phantoms), "--cache", str(scratch / "cache")]
    with running([*command, "--port", str(free_port())], ROOT, scratch / "log") as url:
        yield url
    assert "Traceback" not in (scratch / "log").read_text("utf-8")


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    opened = open_page(browser, address)
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


def ids(page: Any, column: int) -> list[str]:
    return [card.get_attribute("data-item") for card in page.locator(f"#stage-{column} .card").all()]


def wait_for_order(page: Any, column: int, wanted: list[str]) -> None:
    page.wait_for_function(
        "([column, wanted]) => [...document.querySelectorAll(`#stage-${column} .card`)]"
        ".map(card => card.dataset.item).join() === wanted",
        arg=[column, ",".join(wanted)],
    )


def search(page: Any, text: str) -> None:
    page.locator("#text textarea, #text input").fill(text)
    page.get_by_role("button", name="Search", exact=True).click()


def answered(page: Any, text: str) -> None:
    page.locator("#timings .asked", has_text=text).wait_for()


def slide(page: Any, control: str, key: str) -> None:
    page.locator(f"#{control} input[type=range]").press(key)


def alert(page: Any, expected: str) -> None:
    page.locator("#message [role=alert]", has_text=expected).wait_for()
    assert "Traceback" not in page.locator("body").inner_text()


def test_a_typed_query_shows_five_pictures_in_each_of_three_columns_side_by_side(page: Any) -> None:
    search(page, "yellow pus in the right ear canal")
    answered(page, "“yellow pus in the right ear canal”")
    boxes = []
    for column in (1, 2, 3):
        images = page.locator(f"#stage-{column} .card img")
        assert images.count() == 5
        assert all(image.evaluate("i => i.complete && i.naturalWidth > 100") for image in images.all())
        assert all("synthetic phantom" in image.get_attribute("alt") for image in images.all())
        assert page.locator(f"#stage-{column} figcaption", has_text="synthetic phantom").count() == 5
        boxes.append(page.locator(f"#stage-{column}").bounding_box())
    assert len({box["y"] for box in boxes}) == 1
    assert max(box["width"] for box in boxes) - min(box["width"] for box in boxes) < 1
    assert sorted(ids(page, 1)) == sorted(ids(page, 2)) == sorted(ids(page, 3))
    assert page.locator("#stage-1 .fold-bars").first.locator("i").count() == 10
    assert "local caption judge" in page.locator("#stage-2 header").inner_text()
    assert re.search(r"encode \d+\.\d ms", page.locator("#timings").inner_text())


def test_the_page_says_how_sure_it_is_and_when_there_is_no_good_match(page: Any, bundle: Path) -> None:
    if bundle != SHIPPED:
        pytest.skip("only the shipped bundle is calibrated")
    page.locator("#timings .sure", has_text="first is relevant").wait_for()
    page.get_by_role("button", name="More settings").click()
    for _ in range(10):  # steps of .05
        slide(page, "least", "ArrowRight")
    search(page, "a red bicycle in the rain")
    answered(page, "“a red bicycle in the rain”")
    page.locator("#timings .sure", has_text="no good match").wait_for()
    page.locator("#message [role=status]", has_text="below your threshold").wait_for()


def test_the_sliders_reorder_the_third_column_and_nothing_else(page: Any) -> None:
    page.locator("#texts button").first.wait_for()
    for example in page.locator("#texts button").all()[1:]:  # the page opens on the first
        wanted = example.inner_text().strip()
        example.click()
        answered(page, f"“{wanted}”")
        if ids(page, 1) != ids(page, 2):
            break
    retrieval, judged, timings = ids(page, 1), ids(page, 2), page.locator("#timings").inner_text()
    assert retrieval != judged
    slide(page, "judge-weight", "Home")
    wait_for_order(page, 3, retrieval)
    assert page.locator("#stage-3 .change.same").count() == 5
    slide(page, "judge-weight", "End")
    wait_for_order(page, 3, judged)
    assert page.locator("#stage-3 .change.up").count() >= 1
    assert ids(page, 1) == retrieval
    assert ids(page, 2) == judged
    judge_ms = r"judge \d+\.\d ms"
    assert re.findall(judge_ms, timings) == re.findall(judge_ms, page.locator("#timings").inner_text())


def test_more_items_are_a_new_search(page: Any) -> None:
    slide(page, "k", "ArrowRight")
    page.locator("#stage-1 .card").nth(5).wait_for()
    page.locator("#stage-3 .card").nth(5).wait_for()


def test_relevant_pictures_are_framed_where_the_truth_is_known(page: Any) -> None:
    assert page.locator("#stage-1 .card.relevant").count() == page.locator("#stage-3 .card.relevant").count() >= 1
    search(page, "a sentence that stands in no caption")
    page.locator("#timings", has_text="truth unknown").wait_for()
    assert page.locator(".card.relevant").count() == 0


def test_an_uploaded_picture_finds_itself_and_stays_unjudged_with_the_reason(page: Any, phantoms: Path) -> None:
    file = sorted((phantoms / "imgs").iterdir())[10]
    page.locator("#picture input[type=file]").set_input_files(file)
    page.locator("#picture-note", has_text=file.name).wait_for()
    search(page, "")
    page.locator("#stage-2 .note", has_text="the query has no text").first.wait_for()
    assert page.locator("#stage-2 .unjudged").count() == 5
    assert page.locator("#stage-1 .score b").first.inner_text() == "1.000"


def test_an_example_picture_is_labelled_finds_itself_and_frames_its_kind(page: Any) -> None:
    page.locator("#pictures .thumbnail-item").nth(1).click()
    page.locator("#picture-note", has_text="synthetic phantom").wait_for()
    page.locator("#timings .asked", has_text="picture").wait_for()
    assert page.locator("#stage-1 .score b").first.inner_text() == "1.000"
    assert "relevant" in page.locator("#stage-1 .card").first.get_attribute("class")
    page.locator("#texts button").nth(1).click()  # a text example takes the picture away
    page.locator("#timings .asked", has_text="“").wait_for()
    assert page.locator("#picture-note p").count() == 0


def test_an_empty_query_is_told_in_a_sentence(page: Any) -> None:
    search(page, "   ")
    alert(page, "The query is empty")


def test_a_broken_picture_is_told_in_a_sentence(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n this is no picture")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "broken.png")
    page.locator("#picture-note", has_text="broken.png").wait_for()
    search(page, "")
    alert(page, "broken.png cannot be read")


def test_gemini_needs_consent_and_a_key(page: Any) -> None:
    assert not page.locator("#consent").is_visible()
    page.get_by_label("Gemini", exact=True).check()
    page.locator("#consent", has_text="leave this machine").wait_for()
    page.locator("#message", has_text="Press Search").wait_for()
    page.get_by_role("button", name="Search", exact=True).click()
    alert(page, "Tick the consent box")
    page.locator("#consent input").check()
    page.get_by_role("button", name="Search", exact=True).click()
    alert(page, "GEMINI_API_KEY")
    assert "local caption judge" in page.locator("#stage-2 header").inner_text()


def test_without_a_judge_the_ranking_is_retrievals_and_replay_without_a_record_is_a_sentence(page: Any) -> None:
    page.get_by_label("none", exact=True).check()
    page.locator("#stage-2 header", has_text="no judge").wait_for()
    assert ids(page, 3) == ids(page, 1)
    assert page.locator("#stage-2 .card img").count() == 5
    page.get_by_label("replay", exact=True).check()
    alert(page, "--record FILE")


def test_a_filter_keeps_other_classes_out(page: Any, phantoms: Path) -> None:
    with (phantoms / "truth.csv").open(encoding="utf-8") as table:
        throat = [row["caption"] for row in csv.DictReader(table) if row["class"] == "throat"]
    page.locator("#filters input").click()
    page.get_by_role("option", name="class=throat", exact=True).click()
    page.wait_for_function(
        "throat => [...document.querySelectorAll('#stage-3 .card img')].every("
        "image => throat.includes(image.alt.replace(' (synthetic phantom)', '')))",
        arg=throat,
    )
    assert page.locator("#stage-3 .card").count() == min(5, len(throat))


def test_two_visitors_do_not_see_one_anothers_answers(browser: Any, address: str) -> None:
    one, two = open_page(browser, address), open_page(browser, address)
    search(one, "polyp in the left nose")
    search(two, "mủ trong tai phải")
    answered(one, "“polyp in the left nose”")
    answered(two, "“mủ trong tai phải”")
    before = ids(two, 3)
    slide(one, "judge-weight", "Home")
    wait_for_order(one, 3, ids(one, 1))
    slide(two, "judge-weight", "Home")
    wait_for_order(two, 3, ids(two, 1))
    assert sorted(before) == sorted(ids(two, 3)) != sorted(ids(one, 3))
    one.close()
    two.close()


def test_a_narrow_screen_stacks_the_columns(browser: Any, address: str) -> None:
    page = open_page(browser, address, width=420, height=900, scheme="dark")
    tops = [page.locator(f"#stage-{column}").bounding_box()["y"] for column in (1, 2, 3)]
    assert tops == sorted(set(tops))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_the_page_loads_nothing_from_elsewhere(browser: Any, address: str) -> None:
    page = browser.new_page()
    hosts: set[str | None] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto(address)
    page.wait_for_selector("#stage-3 .card img")
    page.close()
    assert hosts - {None} == {"127.0.0.1"}


def test_no_file_of_the_server_is_handed_out(browser: Any, address: str, phantoms: Path) -> None:
    page = browser.new_page()
    picture = min((phantoms / "imgs").iterdir())
    answers = [
        page.request.get(f"{address}gradio_api/file={path}").status
        for path in (picture, ROOT / "pyproject.toml", "/etc/passwd")
    ]
    page.close()
    assert all(status >= 400 for status in answers), answers


def test_a_port_that_is_taken_is_a_sentence(address: str, bundle: Path, phantoms: Path, tmp_path: Path) -> None:
    port = str(urlsplit(address).port)
    command = [sys.executable, "-m", "demo", "--bundle", str(bundle), "--data", str(phantoms), "--port", port]
    done = subprocess.run(
        [*command, "--cache", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert f"error: port {port} of 127.0.0.1 is taken" in done.stderr
    assert "Traceback" not in done.stderr

"""Both siblings' panels in the real app and a real browser: pictures by the flow, nodules by size."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .serving import ROOT, SHIPPED, free_port, open_page, running

pytestmark = pytest.mark.browser

BUNDLES = SHIPPED.parent


@pytest.fixture(scope="module")
def page(browser: Any, bundle: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One page for all tests: they follow one visitor. Nothing of what happens may be a stack in the server's log."""
    if bundle != SHIPPED:
        pytest.skip("the panels' bundles belong to the shipped one")
    scratch = tmp_path_factory.mktemp("app")
    command = ["-m", "demo", "--data", str(phantoms), "--cache", str(scratch / "cache"), "--port", str(free_port())]
    with running(command, ROOT, scratch / "log") as address:
        opened = open_page(browser, address)
        opened.set_default_timeout(20_000)
        yield opened
        opened.close()
    assert "Traceback" not in (scratch / "log").read_text("utf-8")


def needs(name: str) -> pytest.MarkDecorator:
    there = (BUNDLES / name / "manifest.json").is_file()
    return pytest.mark.skipif(not there, reason=f"no bundle in assets/bundles/{name}")


def text(page: Any, element: str) -> str:
    return str(page.locator(f"#{element}").inner_text())


def has(page: Any, element: str, expected: str) -> None:
    page.locator(f"#{element}", has_text=expected).wait_for()


def slide(page: Any, control: str, key: str) -> None:
    page.locator(f"#{control} input[type=range]").press(key)


def items(page: Any, element: str) -> list[str]:
    return [card.get_attribute("data-item") for card in page.locator(f"#{element} li").all()]


def changed(page: Any, element: str, before: list[str]) -> None:
    page.wait_for_function(
        "([id, before]) => [...document.querySelectorAll(`#${id} li`)].map(li => li.dataset.item).join() !== before",
        arg=[element, ",".join(before)],
    )


@needs("ent")
def test_the_ent_panel_opens_on_a_picture_with_its_neighbours_side_by_side(page: Any) -> None:
    page.get_by_role("button", name=re.compile("vector field")).click()
    page.locator("#ent-flow .card img").nth(4).wait_for()
    assert page.locator("#ent-pictures .thumbnail-item").count() >= 6
    boxes = []
    for column in ("ent-raw", "ent-flow"):
        images = page.locator(f"#{column} .card img")
        assert images.count() == 5
        assert all(image.evaluate("i => i.complete && i.naturalWidth > 100") for image in images.all())
        assert page.locator(f"#{column} figcaption", has_text="synthetic phantom").count() == 5
        boxes.append(page.locator(f"#{column}").bounding_box())
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert "of the query's class by the tower alone" in text(page, "ent-whole")


@needs("ent")
def test_the_slider_moves_the_right_column_and_leaves_the_left(page: Any) -> None:
    raw = items(page, "ent-raw")
    has(page, "ent-flow", "t = 1.0")
    slide(page, "ent-t", "ArrowLeft")
    has(page, "ent-flow", "t = 0.9")
    slide(page, "ent-t", "Home")
    has(page, "ent-flow", "t = 0.0")
    assert items(page, "ent-raw") == raw
    slide(page, "ent-t", "End")
    has(page, "ent-flow", "t = 1.0")


@needs("ent")
def test_a_clicked_picture_becomes_the_query(page: Any) -> None:
    shown = text(page, "ent-asked")
    kinds = page.locator("#ent-pictures .caption-label").all_inner_texts()
    other = next(i for i, kind in enumerate(kinds) if kind not in shown)
    page.locator("#ent-pictures .thumbnail-item").nth(other).click()
    has(page, "ent-asked", kinds[other])
    for column in ("ent-raw", "ent-flow"):
        assert f"are {kinds[other]}, as the query" in text(page, column)


@needs("ent")
def test_an_uploaded_picture_is_asked_and_one_that_is_none_is_a_sentence(
    page: Any, phantoms: Path, tmp_path: Path
) -> None:
    own = sorted((phantoms / "imgs").iterdir())[10]
    page.locator("#ent-upload input[type=file]").set_input_files(own)
    has(page, "ent-asked", "your picture")
    assert "1 near-duplicate of it in the gallery: left out" in text(page, "ent-asked")
    assert page.locator("#ent-flow .card img").count() == 5
    page.locator("#ent-pictures .thumbnail-item").first.click()  # takes the upload away
    page.locator("#ent-asked", has_text="class known").wait_for()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n this is no picture")
    page.locator("#ent-upload input[type=file]").set_input_files(tmp_path / "broken.png")
    page.locator("#ent-told [role=alert]", has_text="broken.png").wait_for()
    assert page.locator("#ent-flow .card img").count() == 5, "what was shown stays"


@needs("nodule")
def test_the_nodule_panel_opens_with_crops_and_a_histogram_of_the_first_question(page: Any) -> None:
    page.get_by_role("button", name=re.compile("lung nodules")).click()
    has(page, "nodule-told", "understood “between 6 and 10 mm” as [6, 10] mm")
    crops = page.locator("#nodule-crops li img")
    crops.nth(11).wait_for()
    assert all(crop.evaluate("i => i.complete && i.naturalWidth === 240") for crop in crops.all())
    assert page.locator("#nodule-crops p", has_text="lies in [6, 10] mm").count() == 12
    assert page.locator("#nodule-histogram circle").count() == 12
    asked = page.locator("#nodule-histogram rect.asked").bounding_box()
    dots = [dot.bounding_box() for dot in page.locator("#nodule-histogram circle").all()]
    middles = [dot["x"] + dot["width"] / 2 for dot in dots]
    assert asked["x"] - 1 <= min(middles) <= max(middles) <= asked["x"] + asked["width"] + 1


@needs("nodule")
def test_alpha_and_the_number_of_crops_change_what_is_shown(page: Any) -> None:
    before = items(page, "nodule-crops")
    slide(page, "nodule-alpha", "End")
    changed(page, "nodule-crops", before)
    assert "rule" in text(page, "nodule-crops")
    slide(page, "nodule-k", "Home")
    page.wait_for_function("document.querySelectorAll('#nodule-crops li').length === 1")
    slide(page, "nodule-alpha", "Home")
    has(page, "nodule-crops", "score 1.000")


@needs("nodule")
def test_an_example_in_vietnamese_is_understood_and_what_is_none_is_a_sentence(page: Any) -> None:
    page.get_by_role("button", name="nốt lớn hơn 1 cm").click()
    has(page, "nodule-told", "> 10 mm")
    assert "lies in > 10 mm" in text(page, "nodule-crops")
    page.locator("#nodule-text textarea, #nodule-text input").fill("spiculated <b>margin</b>")
    page.locator("#nodule-go").click()
    page.locator("#nodule-told [role=alert]", has_text="No size understood in 'spiculated <b>margin</b>'").wait_for()
    assert page.locator("#nodule-crops li").count() == 0
    assert "Traceback" not in page.locator("body").inner_text()

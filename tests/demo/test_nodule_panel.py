"""What the nodule panel shows: sentences, captions, the histogram, crops; on the phantom CT that the repo ships."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.nodule_board import crops as drawn_crops
from demo.nodule_board import histogram
from demo.nodule_panel import BUNDLE, DATA, answer, open_panel_system
from runtime.nodule.table import read_regions
from runtime.systems.nodule import NoduleSystem

EVIL = "<img src=x onerror=alert(1)> over 10 mm"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> NoduleSystem:
    return open_panel_system(BUNDLE, tmp_path_factory.mktemp("panel") / "gallery", DATA)


def test_every_shipped_phantom_is_indexed_and_said_to_be_synthetic(system: NoduleSystem) -> None:
    regions = read_regions(DATA)
    assert regions.problems == ()
    assert len(system.gallery) == len(regions.rows) == 48
    assert all(region.patient.startswith("PHANTOM-") for region in regions.rows)


def test_an_answer_has_a_sentence_a_histogram_and_crops_that_say_why(system: NoduleSystem) -> None:
    told, drawn, crops = answer(system, "between 6 and 10 mm", 0.5, "measured", 6)
    assert "understood “between 6 and 10 mm” as [6, 10] mm" in told
    assert "size fits <b>6</b> of 6" in told
    assert crops.count("<li") == crops.count("lies in [6, 10] mm") == crops.count("✓ ") == 6
    assert crops.count('alt="crop of') == crops.count("synthetic phantom</figcaption>") == 6
    assert sum(int(n) for n in re.findall(r"mm: (\d+)</title>", drawn)) == 48
    assert drawn.count("<circle") == 6


def test_a_crops_bar_is_its_scores_two_parts(system: NoduleSystem) -> None:
    result = system.search("> 10 mm", k=1, alpha=0.25)
    cosine, rule = (float(w) / 100 for w in re.findall(r"width:([\d.]+)%", drawn_crops(result)))
    assert cosine == pytest.approx(0.25 * result.hits[0].cosine, abs=6e-4)
    assert cosine + rule == pytest.approx(result.hits[0].score, abs=1.1e-3)


def test_alpha_moves_the_ranking_from_the_rule_to_the_pictures(system: NoduleSystem) -> None:
    rule, cosine = (system.search("> 10 mm", k=48, alpha=alpha).hits for alpha in (0.0, 1.0))
    assert [h.rank for h in rule] == sorted(h.rule_rank for h in rule)
    assert [h.cosine_rank for h in cosine] == list(range(1, 49))
    assert [h.item_id for h in rule] != [h.item_id for h in cosine]


def test_cosine_alone_finds_the_three_bins_among_patients_that_no_training_saw(system: NoduleSystem) -> None:
    for text in ("<= 6 mm", "> 10 mm"):
        result = system.search(text, k=8, alpha=1.0)
        inside = [bool(result.interval.contains([hit.measured_mm])[0]) for hit in result.hits]
        assert sum(inside) >= 7, text


def test_what_cannot_be_understood_is_a_sentence_and_nothing_becomes_markup(system: NoduleSystem) -> None:
    told, drawn, crops = answer(system, "<b>spiculated</b>", 0.5, "measured", 5)
    assert "No size understood" in told
    assert "<b>" not in told
    assert drawn == crops == "", "the crops of an earlier question would stand below another one's sentence"
    told, _, _ = answer(system, EVIL, 0.5, "read", 5)
    assert "over 10 mm" in told
    assert "<img" not in told


def test_the_histogram_shades_an_open_interval_to_its_end(system: NoduleSystem) -> None:
    svg = histogram([3.0, 12.0, 60.0, float("nan")], system.search("> 10 mm", k=2))
    assert '<rect class="asked" x="160.0" width="480.0"' in svg
    assert "38 to 40 mm: 1" in svg


PAGE = """
import sys
from pathlib import Path
import gradio as gr
from demo.nodule_panel import add_nodule_panel
for bundle in ([], [Path("none")]):
    with gr.Blocks() as page:
        add_nodule_panel(Path(sys.argv[1]), *bundle)
    print(sum(getattr(block, "elem_id", None) == "nodule-alpha" for block in page.blocks.values()))
"""


def test_the_panel_stands_in_a_page_indexes_nothing_yet_and_is_left_out_without_a_bundle(tmp_path: Path) -> None:
    # in a process of its own: Gradio leaves event loops open, and warnings are errors here
    command = [sys.executable, "-c", PAGE, str(tmp_path / "gallery")]
    done = subprocess.run(command, cwd=BUNDLE.parents[2], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", "0"], done.stderr
    assert not (tmp_path / "gallery").exists()

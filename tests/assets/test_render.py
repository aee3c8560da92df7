import time

import cv2
import numpy as np
import pytest

from assets.phantoms import render
from assets.phantoms.camera import pose
from assets.phantoms.cohort import plan
from assets.phantoms.findings import CLASSES, FINDINGS, NORMAL

SEED = 11
GRADED = sorted({(r, f) for r, found in FINDINGS.items() for f, graded in found.items() if graded})


def picture(name, finding=NORMAL, severity="none", *, patient=3, view=2, seed=SEED):
    return render(seed, patient=patient, view=view, classification=name, finding=finding, severity=severity)


def radius_map(at):
    rows, columns = np.mgrid[:480, :640]
    return np.hypot(columns - at.centre[0], rows - at.centre[1]) / at.radius


def field(patient=3, view=2):
    return radius_map(pose(SEED, patient, view)) < 0.97


def change(a, b, inside):
    """Mean absolute difference in grey levels, and the share of pixels that differ by more than 20."""
    d = np.abs(a.astype(int) - b.astype(int)).max(2)[inside]
    return d.mean(), (d > 20).mean()


def grey_at(image, at, x, y, half=12):
    """Mean grey level of a patch around scene point (x, y), the camera's pose undone."""
    turn = np.radians(at.degrees)
    u, v = at.zoom * x, at.zoom * y
    column = at.centre[0] + at.radius * (np.cos(turn) * u + np.sin(turn) * v + at.shift[0])
    row = at.centre[1] + at.radius * (np.cos(turn) * v - np.sin(turn) * u + at.shift[1])
    patch = image[round(row) - half : round(row) + half, round(column) - half : round(column) + half]
    return float(patch.mean())


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_a_phantom_is_a_lit_disc_in_a_black_surround(kind):
    image = picture(kind.name)
    r = radius_map(pose(SEED, 3, 2))
    assert image.shape == (480, 640, 3)
    assert image.dtype == np.uint8
    assert image[r > 1.02].max() <= 5
    assert image[r < 0.95].mean() > 45
    assert (image[r < 0.95].max(1) > 200).mean() > 0.002  # highlights
    assert (image[r < 0.95].min(1) == 255).mean() < 0.02  # yet no blown-out picture


def test_centre_radius_and_rotation_vary():
    poses = [pose(SEED, patient, 0) for patient in range(40)]
    assert np.std([at.centre[0] for at in poses]) > 10
    assert np.std([at.radius for at in poses]) > 8
    assert np.std([at.degrees for at in poses]) > 2
    assert all(195 <= at.radius <= 250 and abs(at.degrees) <= 11 for at in poses)


def test_the_same_arguments_give_the_same_pixels_and_any_other_gives_others():
    first = picture("ear-right", "perforation", "mild")
    assert np.array_equal(first, picture("ear-right", "perforation", "mild"))
    for other in ({"seed": SEED + 1}, {"patient": 4}, {"view": 3}):
        assert not np.array_equal(first, picture("ear-right", "perforation", "mild", **other))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_every_finding_changes_the_picture_of_the_same_patient_and_pose(kind):
    normal, inside = picture(kind.name), field()
    for finding, graded in FINDINGS[kind.region].items():
        mean, share = change(normal, picture(kind.name, finding, "mild" if graded else "none"), inside)
        assert mean > 0.9, (finding, mean)
        assert share > 0.012, (finding, share)


@pytest.mark.parametrize(("region", "finding"), GRADED)
def test_a_severe_finding_shows_more_than_a_mild_one(region, finding):
    name = next(kind.name for kind in CLASSES if kind.region == region)
    normal, inside = picture(name), field()
    mild = change(normal, picture(name, finding, "mild"), inside)
    severe = change(normal, picture(name, finding, "severe"), inside)
    # stronger, or (a swelling that covers what is behind it) larger
    assert severe[0] > 1.05 * mild[0] or severe[1] > 1.05 * mild[1]


@pytest.mark.parametrize("patient", range(6))
def test_the_septum_is_on_the_images_right_in_the_right_nostril_and_on_its_left_in_the_left(patient):
    for name, sign in (("nose-right", 1), ("nose-left", -1)):
        image, at = picture(name, patient=patient), pose(SEED, patient, 2)
        # the septum is lit over the whole height; above the inferior turbinate its other side is dark
        assert grey_at(image, at, sign * 0.5, -0.4) > 2 * grey_at(image, at, -sign * 0.42, -0.35)


@pytest.mark.parametrize("patient", range(6))
def test_the_cone_of_light_points_to_five_in_the_right_ear_and_to_seven_in_the_left(patient):
    for name, sign in (("ear-right", 1), ("ear-left", -1)):
        image, at = picture(name, patient=patient), pose(SEED, patient, 2)
        places = [(x, y) for x in (0.08, 0.14, 0.20, 0.26) for y in (0.24, 0.30, 0.36)]
        cone = max(grey_at(image, at, sign * x, y, half=8) for x, y in places)
        mirrored = max(grey_at(image, at, -sign * x, y, half=8) for x, y in places)
        assert cone > mirrored + 20


@pytest.mark.parametrize("patient", range(6))
def test_open_cords_leave_a_dark_gap_that_closed_cords_do_not(patient):
    at = pose(SEED, patient, 2)
    dark = {name: grey_at(picture(name, patient=patient), at, 0.0, -0.18) for name in ("vc-open", "vc-closed")}
    assert dark["vc-open"] < 40
    assert dark["vc-closed"] > dark["vc-open"] + 40


def test_anatomy_is_the_patients_own():
    same_pose = {"view": 2}
    inside = field()
    a, b = picture("throat", patient=3, **same_pose), picture("throat", patient=9, **same_pose)
    assert change(a, b, inside)[0] > 8


def test_600_images_take_under_a_minute_on_two_cores():
    items = plan(40, 5)
    render(5, patient=0, view=0, classification="throat", finding=NORMAL)
    started = time.process_time()
    for item in items:
        image = render(
            5,
            patient=item.patient,
            view=item.view,
            classification=item.classification,
            finding=item.finding,
            severity=item.severity,
        )
        cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    # seconds of work, not of the clock, so that a busy machine does not fail the test
    assert (time.process_time() - started) / len(items) * 600 < 2 * 60

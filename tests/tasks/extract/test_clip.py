"""The extractor on real pictures of real people."""

from dataclasses import replace
from tempfile import TemporaryFile

import cv2
import numpy as np
import polars as pl
import pytest

from schemas.keypoints import KEYPOINTS, PARTS
from schemas.skeletons import LIPS
from tasks.extract import clip
from tasks.extract.clip import extract_people
from tasks.files.tables import check_table
from tasks.models.fetch import fetch_member
from tasks.video import Frame, Picture, read_frames
from tasks.vision.hidden import draw_hand
from tasks.vision.keypoints import stack_visibility, stack_xy

ZIDANE = (
    "pip:ultralytics==8.4.190",
    "ultralytics/assets/zidane.jpg",
    "16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb",
)
LEFT_EYE_OUTER, RIGHT_EYE_OUTER, CHIN = 263, 33, 152


@pytest.mark.parametrize("name", ["carphone", "franck", "cap12", "cap13"])
def test_face_and_body_are_found_in_every_frame(name, sample, weights, params):
    frames = list(read_frames(sample(name)))
    table = _table(frames, weights, params)
    check_table(table, KEYPOINTS, name)
    assert table.height == len(frames)
    assert table["face_xy"].null_count() == 0
    assert table["body_xy"].null_count() == 0
    mesh = stack_xy(table, "face")
    # the person's right eye is on the left of the picture, the chin below both
    assert (mesh[:, RIGHT_EYE_OUTER, 0] < mesh[:, LEFT_EYE_OUTER, 0]).all()
    assert (mesh[:, CHIN, 1] > mesh[:, RIGHT_EYE_OUTER, 1]).all()
    # two models of different make agree on where the nose is
    noses = np.linalg.norm(mesh[:, 1] - stack_xy(table, "body")[:, 0], axis=1)
    eyes = np.linalg.norm(mesh[:, RIGHT_EYE_OUTER] - mesh[:, LEFT_EYE_OUTER], axis=1)
    assert (noses < eyes / 2).all()


def test_two_people_and_a_pointing_hand(weights, params):
    rgb = cv2.cvtColor(cv2.imread(str(fetch_member(*ZIDANE))), cv2.COLOR_BGR2RGB)
    frames = [Frame(index=i, pts=i, timestamp_s=i / 25, picture=Picture.from_rgb(rgb)) for i in range(2)]
    table = _table(frames, weights, params)
    faces = table.filter(frame=1)["face_xy"].drop_nulls()
    assert len(faces) == 2
    hands = np.concatenate([stack_xy(table, part) for part in ("left_hand", "right_hand")])
    tips = hands[~np.isnan(hands).any((1, 2))][:, 8]
    # the index finger points at (1150, 417)
    np.testing.assert_allclose(tips, np.broadcast_to([1150, 417], tips.shape), atol=15)


@pytest.mark.parametrize("scale", [1.5, 1.55])
def test_keypoints_of_a_face_behind_a_hand_are_not_visible(weights, params, scale):
    """The hand that points, with its sleeve, is held before the other man's mouth."""
    rgb = cv2.cvtColor(cv2.imread(str(fetch_member(*ZIDANE))), cv2.COLOR_BGR2RGB)
    before = _table([_still(rgb)], weights, params)
    (hand,) = _hands(before)
    assert stack_visibility(before, "face").min() > 0.5
    face = max(stack_xy(before, "face"), key=lambda mesh: np.ptp(mesh, axis=0).max())
    shape = np.zeros(rgb.shape[:2], np.uint8)
    draw_hand(shape, hand)
    cv2.line(shape, *(np.round(hand[0] - way).astype(int).tolist() for way in ([0, 0], [110, -20])), 255, 60)
    place = scale * np.eye(2, 3)
    place[:, 2] = face[LIPS].mean(axis=0) - scale * hand[[0, 5, 17]].mean(axis=0)
    size = rgb.shape[1::-1]
    is_hand = cv2.warpAffine(cv2.dilate(shape, np.ones((21, 21))), place, size) > 127
    held = np.where(is_hand[..., None], cv2.warpAffine(rgb, place, size), rgb)
    after = _table([_still(held)], weights, params)
    behind = np.zeros(rgb.shape[:2], np.uint8)
    draw_hand(behind, hand @ place[:, :2].T + place[:, 2])
    hidden = 0
    for mesh, visibility in zip(stack_xy(after, "face"), stack_visibility(after, "face"), strict=True):
        x, y = np.round(mesh).astype(int).T
        is_behind = behind[y.clip(0, len(rgb) - 1), x.clip(0, rgb.shape[1] - 1)] > 0
        hidden += int((visibility == 0).sum())
        assert (visibility[is_behind] == 0).sum() >= 0.8 * is_behind.sum()
        assert (visibility[~is_behind] == 0).mean() < 0.15
    assert hidden > 50


def _hands(table):
    hands = np.concatenate([stack_xy(table, part) for part in ("left_hand", "right_hand")])
    return hands[~np.isnan(hands).any((1, 2))]


def _still(rgb):
    return Frame(index=0, pts=0, timestamp_s=0.0, picture=Picture.from_rgb(rgb))


def _table(frames, weights, params):
    with TemporaryFile() as spool:
        survey = extract_people(frames, weights, params.extract, spool)
        return pl.concat(list(survey.keypoint_tables()))


def test_a_picture_without_anybody_gives_no_rows(weights, params):
    blank = np.full((120, 160, 3), 128, np.uint8)
    frames = [Frame(index=i, pts=i, timestamp_s=i / 25, picture=Picture.from_rgb(blank)) for i in range(3)]
    assert _table(frames, weights, params).height == 0


def test_the_same_clip_gives_the_same_keypoints(sample, weights, params):
    frames = list(read_frames(sample("carphone")))[:10]
    first, second = (_table(frames, weights, params) for _ in range(2))
    assert first.equals(second)


def test_the_table_keeps_missing_parts_missing(sample, weights, params):
    table = _table(read_frames(sample("carphone")), weights, params)
    assert table["left_hand_xy"].null_count() == table.height
    assert np.isnan(stack_xy(table, "left_hand")).all()
    assert stack_xy(table, "left_hand").shape[1:] == (PARTS["left_hand"], 2)


def test_pieces_of_any_length_make_the_same_table(sample, weights, params, monkeypatch):
    frames = list(read_frames(sample("carphone")))[:10]
    whole = _table(frames, weights, params)
    monkeypatch.setattr(clip, "PIECE_FRAMES", 3)
    assert _table(frames, weights, params).equals(whole)


def _turned(frame, turns):
    return Picture.from_rgb(np.ascontiguousarray(np.rot90(frame.rgb, turns)))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_person_is_found_and_measured_alike(sample, weights, params, turns):
    upright = list(read_frames(sample("cap12")))[:6]
    turned = [replace(frame, picture=_turned(frame, turns)) for frame in upright]
    first, second = (stack_xy(_table(frames, weights, params), "face") for frames in (upright, turned))
    assert len(second) == len(first)
    width, height = upright[0].size_wh
    for _ in range(turns):
        first, width, height = np.stack([first[..., 1], width - first[..., 0]], -1), height, width
    eyes = np.linalg.norm(first[:, 33] - first[:, 263], axis=1)
    assert (np.linalg.norm(first - second, axis=2).mean(axis=1) / eyes).max() < 0.1

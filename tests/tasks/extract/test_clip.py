"""The extractor on real pictures of real people."""

import cv2
import numpy as np
import pytest

from schemas.keypoints import KEYPOINTS, PARTS
from tasks.documents import check_table
from tasks.extract.clip import extract_people
from tasks.keypoints import stack_xy, to_table
from tasks.models.fetch import fetch_member
from tasks.video import Frame, read_frames

ZIDANE = (
    "pip:ultralytics==8.4.190",
    "ultralytics/assets/zidane.jpg",
    "16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb",
)
LEFT_EYE_OUTER, RIGHT_EYE_OUTER, CHIN = 263, 33, 152


@pytest.mark.parametrize("name", ["carphone", "franck", "cap12", "cap13"])
def test_face_and_body_are_found_in_every_frame(name, sample, weights, params):
    frames = list(read_frames(sample(name)))
    table = to_table(extract_people(frames, weights, params.extract))
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
    frames = [Frame(index=i, pts=i, timestamp_s=i / 25, rgb=rgb) for i in range(2)]
    table = to_table(extract_people(frames, weights, params.extract))
    faces = table.filter(frame=1)["face_xy"].drop_nulls()
    assert len(faces) == 2
    hands = np.concatenate([stack_xy(table, part) for part in ("left_hand", "right_hand")])
    tips = hands[~np.isnan(hands).any((1, 2))][:, 8]
    # the index finger points at (1150, 417)
    np.testing.assert_allclose(tips, np.broadcast_to([1150, 417], tips.shape), atol=15)


def test_a_picture_without_anybody_gives_no_rows(weights, params):
    blank = np.full((120, 160, 3), 128, np.uint8)
    frames = [Frame(index=i, pts=i, timestamp_s=i / 25, rgb=blank) for i in range(3)]
    assert to_table(extract_people(frames, weights, params.extract)).height == 0


def test_the_same_clip_gives_the_same_keypoints(sample, weights, params):
    frames = list(read_frames(sample("carphone")))[:10]
    first, second = (to_table(extract_people(frames, weights, params.extract)) for _ in range(2))
    assert first.equals(second)


def test_the_table_keeps_missing_parts_missing(sample, weights, params):
    table = to_table(extract_people(read_frames(sample("carphone")), weights, params.extract))
    assert table["left_hand_xy"].null_count() == table.height
    assert np.isnan(stack_xy(table, "left_hand")).all()
    assert stack_xy(table, "left_hand").shape[1:] == (PARTS["left_hand"], 2)

"""OKS and AP beside an independent implementation on the same points."""

import numpy as np
import pytest
from hotcoco import COCO, COCOeval

from tasks.validate.keypoints.oks import AP_LIMITS, COCO_SIGMAS, average_precision, oks, part_oks

FRAMES, KEYPOINTS = 60, 17


def _people(rng):
    """Return frames x 17 x 2 keypoints of one person, and which of them are labelled."""
    xy = rng.uniform(50, 350, (FRAMES, KEYPOINTS, 2))
    return xy, rng.random((FRAMES, KEYPOINTS)) > 0.2


def _instance(number, xy, shown, extra):
    low, high = xy.min(axis=0), xy.max(axis=0)
    triples = np.column_stack([xy, np.where(shown, 2, 0)])
    return {
        "id": number + 1, "image_id": number, "category_id": 1, "keypoints": triples.ravel().tolist(),
        "bbox": [*low, *(high - low)], "area": float((high - low).prod()), **extra,
    }  # fmt: skip


@pytest.mark.parametrize(("seed", "noise"), [(0, 2.0), (1, 12.0), (2, 40.0)])
def test_average_precision_is_what_hotcoco_says(seed, noise):
    rng = np.random.default_rng(seed)
    xy, shown = _people(rng)
    seen = xy + rng.normal(0, noise, xy.shape)
    scores = rng.random(FRAMES).astype(np.float32)
    found, strangers = rng.random(FRAMES) > 0.15, rng.random(FRAMES) > 0.8
    truth = [
        _instance(n, xy[n], shown[n], {"iscrowd": 0, "num_keypoints": int(shown[n].sum())})
        for n in range(FRAMES)
    ]
    images = [{"id": n, "width": 400, "height": 400} for n in range(FRAMES)]
    reference = COCO({"images": images, "annotations": truth, "categories": [{"id": 1, "name": "person"}]})
    results = [
        _instance(n, seen[n], shown[n], {"score": float(scores[n])}) for n in range(FRAMES) if found[n]
    ]
    # somebody far away whom the original does not have
    results += [
        _instance(n, seen[n] + 5000, shown[n], {"score": 0.5 + n / 1000})
        for n in range(FRAMES)
        if strangers[n]
    ]
    judge = COCOeval(reference, reference.load_res(results), "keypoints")
    judge.run()
    areas = np.array([instance["area"] for instance in truth], np.float32)
    distances = np.where(shown, np.linalg.norm(xy - seen, axis=2), np.nan).astype(np.float32)
    ours = average_precision(
        oks(distances[found], areas[found], COCO_SIGMAS),
        scores[found],
        (0.5 + np.flatnonzero(strangers) / 1000).astype(np.float32),
        int((~found).sum()),
    )
    assert 0 < ours < 1
    assert ours == pytest.approx(judge.get_results()["AP"], abs=1e-6)


def test_oks_by_hand():
    distances = np.full((1, KEYPOINTS), 6.0)
    expected = np.exp(-36 / (2 * 4000.0 * (2 * COCO_SIGMAS) ** 2)).mean()
    assert oks(distances, np.array([4000.0]), COCO_SIGMAS)[0] == pytest.approx(expected)


def test_precision_counts_who_is_missed_and_who_is_not_there():
    alike, scores, nobody = np.ones(4), np.full(4, 0.9, np.float32), np.zeros(0, np.float32)
    assert average_precision(alike, scores, nobody, 0) == 1
    # recall ends at 4 of 5: 81 of 101 points
    assert average_precision(alike, scores, nobody, 1) == pytest.approx(81 / 101)
    assert average_precision(alike, scores, np.full(4, 0.95, np.float32), 0) == pytest.approx(0.5)
    assert average_precision(np.zeros(4), scores, nobody, 0) == 0
    assert average_precision(np.zeros(0), nobody, nobody, 0) is None
    assert len(AP_LIMITS) == 10


def test_a_part_without_a_labelled_keypoint_has_no_oks():
    distances = np.full((2, 33), 1.0, np.float32)
    distances[1] = np.nan
    values = part_oks(distances, np.full(2, 1000, np.float32), "body")
    assert values[0] > 0.9
    assert np.isnan(values[1])

import pytest
import yaml
from tests_support import REPO

from schemas.params import Params
from tasks.files.documents import read_document, read_params
from tasks.files.errors import DocumentError


@pytest.fixture
def document(params):
    return params.model_dump(mode="json", by_alias=True)


def _read(tmp_path, document):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    return read_params(tmp_path)


def test_what_is_written_is_what_is_read(tmp_path, document, params):
    assert _read(tmp_path, document) == params


def test_the_tables_of_params_belong_into_params_yaml(params):
    assert {"face_detector", "mona_lisa"} <= set(params.models)
    assert len(params.deidentify.targets.pool) >= 8
    assert len((REPO / "params.yaml").read_text().splitlines()) < 200


def test_what_stands_in_two_files_is_an_error_that_names_both(tmp_path, document):
    (tmp_path / "params").mkdir()
    (tmp_path / "params/models.yaml").write_text(yaml.safe_dump({"models": document["models"]}))
    with pytest.raises(
        DocumentError, match=r"stands in params.yaml and params/models.yaml: keep it in the second"
    ):
        _read(tmp_path, document)
    del document["models"]
    assert _read(tmp_path, document).models
    (tmp_path / "params/models.yaml").write_text("- a list")
    with pytest.raises(DocumentError, match="everything stands in"):
        _read(tmp_path, document)


def test_a_misspelt_key_is_an_error_that_names_it(tmp_path, document):
    document["deidentify"]["metod"] = document["deidentify"].pop("method")
    with pytest.raises(DocumentError, match=r"deidentify.metod: no such key"):
        _read(tmp_path, document)


def test_a_missing_key_is_no_default(tmp_path, document):
    del document["encoding"]["crf"]
    with pytest.raises(DocumentError, match=r"encoding.crf: Field required"):
        _read(tmp_path, document)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("encoding", "crf", 99),
        ("encoding", "crf", "18"),
        ("deidentify", "method", "smear"),
        ("extract", "face_score", 1.5),
        ("deidentify", "reach_s", 0.1),
        ("publish", "to", "ftp://somewhere"),
    ],
)
def test_a_value_out_of_range_is_refused(tmp_path, document, section, key, value):
    document[section][key] = value
    with pytest.raises(DocumentError, match=f"{section}.{key}"):
        _read(tmp_path, document)


def test_params_cannot_be_changed_after_reading(params):
    with pytest.raises(ValueError, match="frozen"):
        params.purpose = "commercial"


def test_broken_yaml_is_one_sentence(tmp_path):
    (tmp_path / "params.yaml").write_text("a: [1, 2")
    with pytest.raises(DocumentError, match=r"params.yaml cannot be read"):
        read_document(tmp_path / "params.yaml", Params)


def test_the_recogniser_that_chose_the_targets_fails_no_clip(tmp_path, document):
    document["deidentify"]["targets"]["chooser"] = "dlib"
    with pytest.raises(DocumentError, match=r"not_verified rests on dlib, which chose the targets"):
        _read(tmp_path, document)


def test_some_rule_rests_on_an_independent_recogniser(tmp_path, document):
    del document["validate"]["rules"]["not_verified"]
    with pytest.raises(DocumentError, match="needs one that fails a clip by a recogniser other than"):
        _read(tmp_path, document)


def test_no_rule_at_all_is_refused(tmp_path, document):
    document["validate"]["rules"] = {}
    with pytest.raises(DocumentError, match=r"validate.rules"):
        _read(tmp_path, document)


@pytest.mark.parametrize(
    ("rate", "reach", "search", "settle", "gap"),
    [
        (30, 15, 15, 6, 5),
        (20, 15, 15, 6, 5),  # what was measured on clips of about that rate stays what it was
        (23.976, 15, 15, 6, 5),
        (40, 15, 15, 6, 5),
        (15, 8, 8, 3, 3),
        (60, 30, 30, 12, 10),
        (240, 120, 120, 48, 41),
        (4, 6, 3, 3, 1),  # with fewer frames the rest of a scene would be masked
        (0.2, 6, 3, 3, 1),  # a camera that takes a picture now and then
        (10_000, 240, 240, 96, 82),  # no clip is so fast: what says so is wrong
    ],
)
def test_times_are_so_many_frames_of_the_clip_at_hand(params, rate, reach, search, settle, gap):
    rule, extract = params.deidentify.at(rate), params.extract.at(rate)
    assert (rule.reach, extract.search_interval, rule.settle, rule.max_gap) == (reach, search, settle, gap)
    assert rule.reach >= extract.search_interval
    # the settings are the same, and so is whatever was computed by them
    assert rule.model_dump() == params.deidentify.model_dump()


@pytest.mark.parametrize(
    ("rate", "frames"), [(30, 5), (20, 5), (40, 5), (15, 3), (60, 11), (240, 41), (4, 1), (10_000, 83)]
)
def test_keypoints_are_smoothed_over_an_odd_number_of_frames(params, rate, frames):
    assert params.deidentify.at(rate).steady == frames


@pytest.mark.parametrize(("frames", "window"), [(5, 5), (6, 7), (15, 15)])
def test_frames_of_smoothing_in_a_former_workspace_are_taken_for_seconds(tmp_path, document, frames, window):
    rule = document["deidentify"]["mesh_swap"]
    del rule["steady_s"]
    rule["steady"] = frames
    assert _read(tmp_path, document).deidentify.at(25).steady == window


@pytest.mark.parametrize("seconds", [0, -1, 2.1, float("nan")])
def test_smoothing_has_sane_bounds(tmp_path, document, seconds):
    document["deidentify"]["mesh_swap"]["steady_s"] = seconds
    with pytest.raises(DocumentError, match="steady_s"):
        _read(tmp_path, document)


def test_nothing_stays_nothing_at_any_rate(params):
    rule = params.deidentify.model_copy(update={"max_gap_s": 0.0})
    assert [rule.at(rate).max_gap for rate in (1, 30, 240)] == [0, 0, 0]


@pytest.mark.parametrize("frames", [15, 450])
def test_frames_of_a_former_workspace_are_taken_for_seconds(tmp_path, document, frames):
    rule, extract = document["deidentify"], document["extract"]
    for section, names in ((rule, ("reach", "max_gap", "settle")), (extract, ("search_interval",))):
        for name in names:
            del section[f"{name}_s"]
            section[name] = frames
    found = _read(tmp_path, document)
    assert found.deidentify.reach_s == found.extract.search_interval_s == frames / 30
    assert found.deidentify.at(25).reach == frames


@pytest.mark.parametrize(
    ("also", "value", "says"),
    [
        (True, 15, "names both reach and reach_s"),
        (False, "15", "reach is a number of frames: write reach_s"),
        (False, None, "reach is a number of frames: write reach_s"),
        (False, True, "reach is a number of frames: write reach_s"),
        (False, 0.5, "reach is a number of frames: write reach_s"),
        (False, [15], "reach is a number of frames: write reach_s"),
    ],
)
def test_frames_that_are_none_or_both_ways_are_refused_by_name(tmp_path, document, also, value, says):
    document["deidentify"]["reach"] = value
    if not also:
        del document["deidentify"]["reach_s"]
    with pytest.raises(DocumentError, match=says):
        _read(tmp_path, document)


@pytest.mark.parametrize("section", ["deidentify", "extract"])
@pytest.mark.parametrize("value", [None, [], "x"])
def test_a_section_that_is_none_is_refused_by_name(tmp_path, document, section, value):
    document[section] = value
    with pytest.raises(DocumentError, match=section):
        _read(tmp_path, document)


def test_a_name_that_can_still_be_read_fails_in_every_workspace(tmp_path, document):
    for name in ("no_text_is_left", "no_text_stays"):
        del document["validate"]["rules"][name]
    rules = _read(tmp_path, document).validate_.rules
    assert (rules["no_text_is_left"].severity, rules["no_text_stays"].severity) == ("fail", "review")


def test_a_workspace_of_before_has_every_setting_that_the_graph_names(tmp_path, document):
    """DVC stops where a node names a setting that params.yaml does not have."""
    graph = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]
    named = {name for node in graph.values() for name in node.get("do", node).get("params", [])}
    assert not [name for name in named if "." in name]
    assert named <= {*document}

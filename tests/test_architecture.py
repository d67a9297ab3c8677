"""The house stands as agreed: directions, deps, sizes, names."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import flows
import schemas
import tasks
from flows.stage.code import PACKAGES, code_digest, project_modules, stage_modules
from flows.stage.load import STAGES, load_stage

REPO = Path(__file__).resolve().parent.parent
GRAPH = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]


def test_the_code_that_runs_is_the_code_of_this_repository():
    for package in (flows, tasks, schemas):
        assert package.__file__ is not None
        assert Path(package.__file__).is_relative_to(REPO)


def test_import_contracts_hold():
    done = subprocess.run([str(Path(sys.executable).parent / "lint-imports")], cwd=REPO, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout


def _stages(node: dict[str, object]) -> set[str]:
    """Return which stages a node's commands do, without their arms."""
    commands = [node["cmd"]] if isinstance(node["cmd"], str) else node["cmd"]
    words = [command.split() for command in commands]
    assert all(said[:3] == ["python", "-m", "flows.stage"] for said in words)
    return {word.partition(":")[0] for said in words for word in said[3:]}


@pytest.mark.parametrize("name", GRAPH)
def test_every_command_is_of_stages(name):
    assert _stages(GRAPH[name])
    assert _stages(GRAPH[name]) <= set(STAGES)


@pytest.mark.parametrize("name", GRAPH)
def test_deps_cover_every_module_that_a_stage_imports(name):
    node = GRAPH[name]
    deps = [REPO / dep for dep in node["deps"] if "$" not in dep]
    modules = [module for stage in _stages(node) for module in stage_modules(REPO, stage)]
    for module, path in project_modules(REPO, "flows.stage.__main__", *modules).items():
        assert any(path == dep or dep in path.parents for dep in deps), f"{name} lacks {module}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_has_one_name_everywhere(name):
    assert (REPO / "tasks" / name / "__init__.py").is_file()
    assert (REPO / "tests" / "tasks" / name).is_dir()
    assert name in GRAPH
    for function in ("folder", "plan", "process", "collect"):
        assert callable(getattr(load_stage(name), function))


def test_patients_zones_go_to_the_private_remote_only():
    private = ("data/ingested", "data/control", "data/keypoints/", "data/compare", "data/train")
    for node in GRAPH.values():
        for out in node.get("do", node)["outs"]:
            ((path, options),) = out.items()
            if path.startswith(private):
                assert options.get("remote") == "private", path


HOUSE = [path for package in (*PACKAGES, "tools") for path in (REPO / package).rglob("*.py")]


def test_modules_and_functions_stay_small():
    for path in HOUSE:
        text = path.read_text()
        assert len(text.splitlines()) <= 330, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 36, f"{path}:{node.name}"


def test_what_has_a_room_lies_in_it():
    assert len(list((REPO / "flows").glob("*.py"))) <= 2
    assert len(list((REPO / "tasks").glob("*.py"))) <= 1
    assert len((REPO / "dvc.yaml").read_text().splitlines()) < 200
    assert len((REPO / "params.yaml").read_text().splitlines()) < 200


@pytest.mark.parametrize("path", [path for path in HOUSE if path.name != "skeletons.py"], ids=str)
def test_keypoints_are_numbered_in_one_place(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            numbers = {one.value for one in node.elts if isinstance(one, ast.Constant)}
            is_outline = len(numbers) == len(node.elts) >= 6 and all(type(one) is int for one in numbers)
            assert not is_outline, f"{path}:{node.lineno}"
        if isinstance(node, ast.Subscript) and re.search(r"xy$|mesh|points", ast.unparse(node.value)):
            used = {one.value for one in ast.walk(node.slice) if isinstance(one, ast.Constant)}
            assert not any(type(one) is int and one > 3 for one in used), f"{path}:{node.lineno}"


def test_code_digest_sees_behaviour_not_prose(tmp_path):
    package = tmp_path / "tasks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    module = package / "one.py"
    module.write_text('"""A."""\n\n\ndef add(a, b):\n    """Add."""\n    return a + b\n')
    first = _fresh_digest(tmp_path, "tasks.one")
    module.write_text('"""B."""\n\n\n# why\ndef add(a, b):\n    return a + b\n')
    assert _fresh_digest(tmp_path, "tasks.one") == first
    module.write_text("def add(a, b):\n    return a - b\n")
    assert _fresh_digest(tmp_path, "tasks.one") != first


def test_the_code_of_a_stage_is_all_of_its_folder(tmp_path):
    for folder in ("tasks", "tasks/one", "tasks/one/kinds", "tasks/one/kinds/deep"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")
    # chosen by name in the settings, imported by nobody
    chosen = tmp_path / "tasks/one/kinds/deep/body_two.py"
    chosen.write_text("SIDE_PX = 1\n")
    modules = stage_modules(tmp_path, "one")
    assert set(modules) == {
        "tasks.one",
        "tasks.one.kinds",
        "tasks.one.kinds.deep",
        "tasks.one.kinds.deep.body_two",
    }
    before = _fresh_digest(tmp_path, *modules)
    chosen.write_text("SIDE_PX = 2\n")
    assert _fresh_digest(tmp_path, *modules) != before


def _fresh_digest(root: Path, *modules: str) -> str:
    from flows.stage import code

    code._read.cache_clear()
    return code_digest(root, *modules)


def test_telemetry_is_off():
    for name, value in (
        ("DO_NOT_TRACK", "1"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("DVC_NO_ANALYTICS", "1"),
    ):
        assert os.environ[name] == value


def test_locks_hold_hashes_and_no_address():
    for lock in ("base", "dev", "croissant", "yolo", "train", "gpu", "neural"):
        text = (REPO / "requirements" / f"{lock}.txt").read_text()
        assert "://" not in text
        assert "index" not in text
        requirements = text.split("\n    --hash")
        assert len(requirements) > (100 if lock != "croissant" else 9)
        for line in text.splitlines():
            assert line.startswith(("    --hash=sha256:", "#")) or line.rstrip(" \\").count("==") == 1
    # it and onnxruntime-gpu break each other
    for lock in ("gpu", "yolo", "train", "neural"):
        assert "\nonnxruntime==" not in (REPO / f"requirements/{lock}.txt").read_text()


def test_what_only_profiles_need_is_not_imported_by_default():
    ask = "import flows.cli, flows.stage.run, tasks.extract, tasks.deidentify, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=REPO, check=True, capture_output=True, text=True)
    assert not {"torch", "ultralytics", "insightface", "skimage"} & set(done.stdout.split())


def test_every_command_is_documented():
    from typer.main import get_command

    from flows.cli import app

    readme = (REPO / "README.md").read_text()
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"guise {name}" in readme, name


THREATS = (REPO / "docs/threat-model.md").read_text()


@pytest.mark.parametrize(
    "row", [line for line in THREATS.splitlines() if line.startswith("| ") and "tried by" not in line]
)
def test_what_the_threat_model_says_is_tried_is_a_file_of_tests(row):
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 4
    tried = re.findall(r"`(tests/[^`]*)`", cells[2])
    assert tried
    for path in tried:
        assert (REPO / path).is_file(), path

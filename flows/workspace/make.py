"""A fresh release workspace: git, DVC, this code, a key."""

import os
import secrets
import shutil
from pathlib import Path

from ruamel.yaml import YAML
from yaml import safe_dump, safe_load

from flows.host.environment import STATE, private_folder
from flows.stage.libraries import note_libraries
from flows.workspace.git import commit, git, ignore_by_own_rules
from flows.workspace.place import is_workspace, require_plain_path
from tasks.files.errors import InputError
from tasks.files.pseudonyms import FINGERPRINT_PATH, KEY_PATH, KEY_VARIABLE, known_key
from tasks.files.whole import write_bytes
from tasks.publish.signature import KEY_PATH as SIGNING_KEY_PATH
from tasks.publish.signature import SIGNERS_PATH, ensure_signing_key

CODE = [
    "flows",
    "tasks",
    "schemas",
    "dvc.yaml",
    "params",
    "params.yaml",
    "prefect.yaml",
    ".dvcignore",
    ".gitignore",
    "LICENSE",
]
CORRECTIONS_GUIDE = "data/corrections/README.md"
RECORDS = [
    "data/corrections",
    "dvc.lock",
    "data/raw.dvc",
    "data/libraries.json",
    "data/pseudonym_key.json",
    "data/decisions.yaml",
    "data/withdrawals.yaml",
    "data/releases/allowed_signers",
    "data/evidence/summary.json",
    "data/metrics",
]
SETTINGS = ("params", "params.yaml")
NEW_SECTIONS = ("train",)
HERE = Path(__file__).resolve().parents[2]


def make_workspace(root: Path) -> list[str]:
    """Create or refresh a workspace; return what was done, a sentence each.

    Raises InputError where the folder holds something else.
    """
    if root.resolve() == HERE:
        raise InputError("this folder holds Guise's own code: name another folder")
    if root.exists() and any(root.iterdir()) and not is_workspace(root):
        raise InputError(f"{root} is not empty and no workspace: name a new folder")
    require_plain_path(root)
    # it holds raw videos, the manifest and databases
    private_folder(root)
    private_folder(root / STATE)
    deployed = _entrypoints(root)
    told = [_take_code(root), _name_weights(root)]
    if deployed and deployed != _entrypoints(root):
        told.append("what Prefect runs here lies elsewhere now: start `make worker` again, and cancel and "
                    "start again every release run that waits for a person")  # fmt: skip
    if not (root / ".git").is_dir():
        # by nobody's template, and as DVC reads it
        git(root, "init", "--quiet", "--initial-branch", "main", "--template=", "--object-format=sha1")
    ignore_by_own_rules(root)
    if not (root / ".dvc").is_dir():
        _init_dvc(root)
        told.append("DVC keeps patients' data in the remote `private` (.guise/private-remote): "
                    "point it to your own storage with `dvc remote modify private url URL`")  # fmt: skip
    note_libraries(root)
    told += _make_key(root)
    if ensure_signing_key(root):
        told.append(f"a key to sign releases with was made in {SIGNING_KEY_PATH}: back it up, "
                    f"and give readers its public half, {SIGNERS_PATH}")  # fmt: skip
    (root / "data/inbox").mkdir(parents=True, exist_ok=True)
    if commit(root, "Take Guise's code", [*CODE, ".dvc", ".dvcignore", *RECORDS]):
        told.append("the code is committed: every release names its revision")
    return [sentence for sentence in told if sentence]


def _take_code(root: Path) -> str:
    _part_params(root)
    _name_sections(root)
    for name in [*CODE, CORRECTIONS_GUIDE]:
        source, target = HERE / name, root / name
        if name in SETTINGS and target.exists():
            continue
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    _forget_former_nodes(root)
    return f"workspace {root} runs its own copy of Guise"


def _entrypoints(root: Path) -> set[str]:
    """Return which flows the workspace's prefect.yaml lets Prefect run; nothing before there is one."""
    path = root / "prefect.yaml"
    deployments = safe_load(path.read_text("utf-8"))["deployments"] if path.is_file() else ()
    return {deployment["entrypoint"] for deployment in deployments}


def _part_params(root: Path) -> None:
    """Move the weights and recipes of a former workspace out of its params.yaml."""
    path, yaml = root / "params.yaml", YAML()
    if not path.is_file() or (root / "params").exists():
        return
    document = yaml.load(path)
    rule = document.get("deidentify", {})
    pools = {name: {"pool": rule[name].pop("pool")} for name in ("targets", "inswapper") if name in rule}
    parts = {"models": {"models": document.pop("models", {})}, "targets": {"deidentify": pools}}
    (root / "params").mkdir()
    for name, part in parts.items():
        yaml.dump(part, root / f"params/{name}.yaml")
    yaml.dump(document, path)


def _name_sections(root: Path) -> None:
    """Give a former workspace's params.yaml the sections that nodes of the graph have since then."""
    path, yaml = root / "params.yaml", YAML()
    if not path.is_file():
        return
    document, brought = yaml.load(path), yaml.load(HERE / "params.yaml")
    missing = [name for name in NEW_SECTIONS if name not in document]
    if missing:
        document |= {name: brought[name] for name in missing}
        yaml.dump(document, path)


def _name_weights(root: Path) -> str:
    own, brought = (place / "params/models.yaml" for place in (root, HERE))
    if own.is_file() and own.read_bytes() == brought.read_bytes():
        return ""
    # it imports what opens weights
    from flows.workspace.weights import add_weights

    return add_weights(root, HERE)


def _forget_former_nodes(root: Path) -> None:
    """Take out of dvc.lock what the graph has no node for: DVC keeps it, and it would fit less and less."""
    path = root / "dvc.lock"
    if not path.is_file():
        return
    nodes, lock = (safe_load((root / name).read_text("utf-8"))["stages"] for name in ("dvc.yaml", path.name))
    kept = {name: stage for name, stage in lock.items() if name in nodes}
    if kept != lock:
        write_bytes(safe_dump({"schema": "2.0", "stages": kept}, sort_keys=False).encode(), path)


def _init_dvc(root: Path) -> None:
    from flows.workspace.graph import init_repo

    init_repo(root)
    # as `dvc config` and `dvc remote add` write it, each of which takes half a second
    (root / ".dvc/config").write_text(
        "[core]\n    analytics = false\n    check_update = false\n    remote = private\n"
        f"['remote \"private\"']\n    url = ../{STATE / 'private-remote'}\n"
    )


def _make_key(root: Path) -> list[str]:
    path = root / KEY_PATH
    told = []
    is_new = not (root / FINGERPRINT_PATH).exists()
    if is_new and not os.environ.get(KEY_VARIABLE) and not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_hex(32) + "\n")
        told.append(f"a pseudonym key was made in {KEY_PATH}: back it up; losing it means that no "
                    "later clip can be linked to a subject of an earlier release")  # fmt: skip
    known_key(root)
    return told

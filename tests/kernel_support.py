"""Give targets and judge the clips of a workspace, and print what came of it.

    python tests/kernel_support.py WORKSPACE

The environment says by which kernels the numeric libraries compute.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
from tests_support import run_stage

from tasks.files.documents import read_params, write_params

FACES = 4  # of a clip: a few tell the same as many


def judge_anew(workspace: Path, root: Path) -> dict[str, object]:
    """Run `targets` and `validate` over a workspace's videos and keypoints, in a folder of its own."""
    params = read_params(workspace)
    judged = params.validate_.model_copy(update={"identity_frames": FACES})
    params = params.model_copy(update={"validate_": judged})
    write_params(params, root)
    (root / "data").mkdir()
    for path in (workspace / "data").iterdir():
        if path.name not in ("evidence", "metrics", "targets"):
            (root / "data" / path.name).symlink_to(path)
    # a target that was given is not chosen again
    shutil.copytree(workspace / "data/targets", root / "data/targets")
    run_stage(root, params, "targets", "")
    targets = pl.read_parquet(root / "data/targets/targets.parquet")
    run_stage(root, params, "validate", "")
    verdicts = pl.read_parquet(root / "data/evidence/verdicts.parquet")
    return {
        "targets": targets.sort("clip_id", "track").select("clip_id", "track", "target").rows(),
        "verdicts": verdicts.sort("clip_id", "rule").select("clip_id", "rule", "verdict", "passed").rows(),
        "values": verdicts.sort("clip_id", "rule")["value"].to_list(),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(judge_anew(Path(sys.argv[1]).resolve(), Path(folder))))

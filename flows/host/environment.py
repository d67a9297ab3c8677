"""What every process of a workspace is told before it starts."""

import ctypes
import gc
import os
import sys
from pathlib import Path

STATE = Path(".guise")
LOGS = STATE / "logs"
REPORTS = STATE / "reports"
JOB_RESULTS = STATE / "prefect/storage"  # what Prefect keeps of finished clips
API_URL = "PREFECT_API_URL"
RUNNER = "GUISE_RUNNER"  # of clips: threads, or dask
WEBHOOK = "GUISE_WEBHOOK"
RELEASE = "GUISE_RELEASE"  # the version for which a stage runs

SILENCE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "DVC_NO_ANALYTICS": "1",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_OFFLINE": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
DEFAULTS = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # its threads speak under names of their own: that they still have something to send, on a busy machine
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    # written one by one, clips keep SQLite so busy that a stage has to ask again, after two seconds
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # clips go side by side: libraries that share one out among threads only stand in each other's way
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "PYTHONWARNINGS": "ignore",
    "OPENCV_LOG_LEVEL": "ERROR",
}
# of git in a workspace, whoever owns it and whatever is set for all of a person's repositories
GIT = {
    "safe.directory": "*",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.hooksPath": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
    "core.safecrlf": "false",
}
# by which whoever calls a command, a hook of git's own too, would lead it to another repository
GIT_ELSEWHERE = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_NAMESPACE",
)  # fmt: skip


def collect_seldom() -> None:
    """Look for garbage a seventieth as often: what is imported stays, and looking took a tenth of a start."""
    gc.set_threshold(50_000, 20, 50)


def let_go() -> None:
    """Give memory back that what comes next in this process would only hold."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def private_folder(folder: Path) -> Path:
    """Make a folder that nobody else may look into, unless it is there, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def keep_to_ourselves() -> None:
    """Switch off telemetry, keep Prefect's files in the workspace, reach our servers past any proxy."""
    os.environ.update(SILENCE)
    for name in GIT_ELSEWHERE:
        os.environ.pop(name, None)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    _set_git()
    home = Path.cwd() / STATE / "prefect"
    if (Path.cwd() / "dvc.yaml").is_file():
        private_folder(home.parent)
        home.mkdir(exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    os.environ.setdefault("YOLO_CONFIG_DIR", str(home.parent / "ultralytics"))
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))
    here = str(Path(sys.executable).parent)
    if here not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((here, os.environ.get("PATH", "")))


def _set_git() -> None:
    """Tell git what holds in a workspace, beside what the environment told it before."""
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    told = {os.environ.get(f"GIT_CONFIG_KEY_{number}") for number in range(count)}
    for name, value in GIT.items():
        if name not in told:
            os.environ |= {f"GIT_CONFIG_KEY_{count}": name, f"GIT_CONFIG_VALUE_{count}": value}
            count += 1
    os.environ["GIT_CONFIG_COUNT"] = str(count)

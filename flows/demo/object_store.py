"""SeaweedFS's S3 server, on loopback, for as long as it is needed."""

import json
import secrets
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.host.environment import private_folder
from flows.host.servers import HOST, Server, answers, serve_on_free_ports
from tasks.files.documents import write_json

PLACES = ("s3", "master", "filer", "volume")
SOCKETS = {"s3": "s3.sock", "filer": "filer.sock"}


@dataclass(frozen=True)
class ObjectStore:
    """A running S3 server and the credentials that it accepts."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """Return what boto3's own chain reads."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run SeaweedFS's S3 server over a folder; credentials are new each time."""
    private_folder(folder)
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identity = {
        "name": "guise",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    write_json({"identities": [identity]}, config)
    config.chmod(0o600)
    # it waits for its own connections to end, for ever; what was answered is written
    server = Server(
        "S3 server", folder / "weed.log", partial(_command, folder), _is_ready, folder, stop_s=2,
        leaves=partial(_sockets, folder),
    )  # fmt: skip
    with serve_on_free_ports(server, 2 * len(PLACES)) as ports:
        yield ObjectStore(f"http://{HOST}:{ports[0]}", access_key, secret_key)


def _command(folder: Path, ports: list[int]) -> list[str]:
    """Return the server's command; ports: one for each place, then one more for each."""
    flags = {
        "ip": HOST, "ip.bind": HOST, "s3.config": (folder / "s3.json").resolve(), "dir": folder.resolve(),
        "volume.max": 400,
        **{f"{place}.localSocket": name for place, name in SOCKETS.items()},
        "master.volumeSizeLimitMB": 256, "s3.port.iceberg": 0, "s3.port.lance": 0,
        "master.telemetry": "false",
    }  # fmt: skip
    names = [f"{place}.port{kind}" for kind in ("", ".grpc") for place in PLACES]
    flags |= dict(zip(names, ports, strict=True))
    # it would log into the machine's temp folder, names of objects included
    words = [str(Path(sys.executable).parent / "weed"), "-logtostderr=true", "server", "-s3"]
    return words + [f"-{name}={value}" for name, value in flags.items()]


def _is_ready(ports: list[int]) -> bool:
    s3, master = (f"http://{HOST}:{port}" for port in ports[:2])
    return answers(f"{s3}/healthz") and _has_volume_server(master)


def _sockets(folder: Path, ports: list[int]) -> list[Path]:
    # where it puts those of its own protocol is no setting of it
    beside = zip(PLACES, ports[len(PLACES) :], strict=True)
    own = [Path(f"/tmp/seaweedfs-{place}-grpc-{port}.sock") for place, port in beside]
    return [*(folder / name for name in SOCKETS.values()), *own]


def _has_volume_server(master: str) -> bool:
    # until a volume server has reported to it, S3 answers but can neither read nor write
    try:
        with urllib.request.urlopen(f"{master}/dir/status", timeout=2) as answer:
            topology = json.load(answer)["Topology"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(topology.get("DataCenters"))

"""What dvc.lock says of single files, as far as DVC's listings of folders are in the cache here."""

import json
from hashlib import md5
from pathlib import Path

import yaml

from flows.workspace.git import git_bytes
from flows.workspace.inbox import RAW_FILE

CACHE = Path(".dvc/cache/files/md5")


class Lock:
    """The stages of one revision's dvc.lock, and what they and data/raw.dvc say is where."""

    def __init__(self, root: Path, lock: bytes, raw: bytes) -> None:
        self._root = root
        self._listings: dict[str, dict[str, str] | None] = {}
        self.stages = yaml.safe_load(lock)["stages"]
        self.outs: dict[str, str] = {
            out["path"]: out["md5"] for stage in self.stages.values() for out in stage.get("outs", ())
        }
        self.outs |= {f"data/{out['path']}": out["md5"] for out in yaml.safe_load(raw)["outs"]}

    @classmethod
    def of(cls, root: Path, revision: str) -> "Lock":
        """Read both as a revision holds them. Raises InputError."""
        return cls(root, *(git_bytes(root, f"{revision}:{name}") for name in ("dvc.lock", RAW_FILE)))

    def folder_of(self, path: str) -> str | None:
        """Return the output in which a file or folder lies, None where no stage made it."""
        return next((out for out in self.outs if path == out or path.startswith(f"{out}/")), None)

    def listing(self, folder: str) -> dict[str, str] | None:
        """Return relative path -> md5 of an output that is a folder, None where the cache has it not."""
        oid = self.outs[folder]
        if oid not in self._listings:
            path = self._root / CACHE / oid[:2] / oid[2:]
            entries = json.loads(path.read_bytes()) if path.is_file() else None
            self._listings[oid] = (
                None if entries is None else {entry["relpath"]: entry["md5"] for entry in entries}
            )
        return self._listings[oid]

    def md5_of(self, path: str) -> str | None:
        """Return DVC's md5 of a file or folder that a stage made; None where nothing here says it."""
        folder = self.folder_of(path)
        if folder is None or path == folder:
            return self.outs.get(path)
        listing, inside = self.listing(folder), path.removeprefix(f"{folder}/")
        if listing is None:
            return None
        if inside in listing:
            return listing[inside]
        below = {name: oid for name, oid in listing.items() if name.startswith(f"{inside}/")}
        return _md5_of_folder(inside, below)

    def misfits(self) -> tuple[list[str], int]:
        """Return where a stage used something else than was made, and how many inputs cannot be told."""
        findings, unknown = [], 0
        for name, stage in sorted(self.stages.items()):
            for dep in stage.get("deps", ()):
                if self.folder_of(dep["path"]) is None:
                    continue
                made = self.md5_of(dep["path"])
                unknown += made is None
                if made not in (None, dep["md5"]):
                    findings.append(f"dvc.lock: {name} used another {dep['path']} than was made")
        return findings, unknown


def _md5_of_folder(inside: str, files: dict[str, str]) -> str:
    """Return what DVC calls a folder with these files."""
    entries = [{"md5": oid, "relpath": name.removeprefix(f"{inside}/")} for name, oid in files.items()]
    entries.sort(key=lambda entry: entry["relpath"])
    return f"{md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"

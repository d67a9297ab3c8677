"""What all commands share: where they run, and how they answer."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from schemas import release

if TYPE_CHECKING:
    from schemas.params import Params

LONGEST = 1000  # characters of a sentence


class WholeSentences(typer.core.TyperGroup):
    """Commands that are told of in whole sentences, however narrow the terminal."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        names = self.list_commands(ctx)
        commands = [(name, one) for name in names if (one := self.get_command(ctx, name)) and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(LONGEST)) for name, one in commands])


app = typer.Typer(
    cls=WholeSentences,
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Release clinical video without releasing the patient.",
)  # fmt: skip


def check_version(version: str | None) -> str | None:
    """Return a version's name. Raises BadParameter where it is none."""
    try:
        return version if version is None else release.check_version(version)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Version = Annotated[str, typer.Argument(help="name of the release, such as 2026.11", callback=check_version)]


@dataclass
class Settings:
    as_json: bool = False


settings = Settings()


@app.callback()
def enter(
    workspace: Annotated[Path | None, typer.Option(help="the workspace (default: where you stand)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    settings.as_json = as_json
    if workspace is not None:
        _go_to(workspace)


def _go_to(workspace: Path) -> None:
    if not workspace.is_dir():
        raise typer.BadParameter(f"there is no folder {workspace}")
    words = list(sys.argv[1:])
    place = next(i for i, word in enumerate(words) if word.startswith("--workspace"))
    del words[place : place + (1 if "=" in words[place] else 2)]
    os.chdir(workspace)
    os.environ.pop("PREFECT_HOME", None)
    # a workspace runs its own copy of the code
    os.execv(sys.executable, [sys.executable, "-m", "flows.cli", *words])


def answer(document: dict[str, Any], show: Callable[[], None]) -> None:
    """Print a command's outcome: as JSON for machines, or as a person reads it."""
    if settings.as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    else:
        show()


def here() -> Path:
    """Return the workspace that the command stands in. Raises InputError where it is none."""
    from flows.workspace.place import require_workspace

    root = Path.cwd()
    require_workspace(root)
    return root


def here_with_params() -> "tuple[Path, Params]":
    """Return the workspace, and its parameters, which are read here and nowhere after."""
    from tasks.files.documents import read_params

    root = here()
    return root, read_params(root)

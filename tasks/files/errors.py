"""What can go wrong, as one tree.

GuiseError
├── AnswerIsNoError            exit 1: a gate refused, an audit failed
│   ├── GateRefusedError       candidate, approval or publication is not allowed
│   └── AuditFailedError       what is stored is not what was approved
└── InputError                 exit 2: wrong use or bad input
    ├── DocumentError          a table or document breaks its schema
    │   └── FaultError         a table that Guise made itself does: a fault to report
    ├── ClipRefusedError       a clip cannot be admitted; the others go on
    ├── VideoError             a video cannot be read or written
    │   └── EmptyVideoError    a container without a single picture
    ├── ModelError             a weight is missing or not the declared one
    ├── KeyMismatchError       the pseudonym key is missing, open to others, or not the last one
    ├── StorageError           the object store refused or cannot be reached
    ├── DiskError              the disk is full or not writable
    └── StageError             a stage of the graph did not finish
        └── ClipFailedError    one clip of it cannot be processed; the others go on
"""

from collections.abc import Callable


class GuiseError(Exception):
    """Say in one sentence what happened and what to do next; never a file name of a subject."""

    exit_code = 2


class AnswerIsNoError(GuiseError):
    exit_code = 1


class GateRefusedError(AnswerIsNoError):
    pass


class AuditFailedError(AnswerIsNoError):
    pass


class InputError(GuiseError):
    pass


class DocumentError(InputError):
    pass


class FaultError(DocumentError):
    pass


class ClipRefusedError(InputError):
    pass


class VideoError(InputError):
    pass


class EmptyVideoError(VideoError):
    pass


class TurnedVideoError(VideoError):
    """A picture is shown turned by no quarter turn, or otherwise than a turn makes it."""


class UncopiedError(VideoError):
    """Streams cannot be copied as they are, though their pictures are there."""


class ModelError(InputError):
    pass


class KeyMismatchError(InputError):
    pass


class StorageError(InputError):
    pass


class DiskError(InputError):
    pass


class StageError(InputError):
    pass


class ClipFailedError(StageError):
    """heals: whether trying again may help."""

    def __init__(self, sentence: str, *, heals: bool = False) -> None:
        super().__init__(sentence)
        self.heals = heals

    def __reduce__(self) -> tuple[Callable[..., "ClipFailedError"], tuple[str, bool]]:
        return _clip_failed, (str(self), self.heals)


def _clip_failed(sentence: str, heals: bool) -> ClipFailedError:
    return ClipFailedError(sentence, heals=heals)

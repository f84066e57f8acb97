"""svok: is a service supervised?

usage: svok dir

Reads   nothing
Writes  nothing: opens dir/supervise/ok, which whoever supervises the service reads
Exits   0 if it is, 100 if it is not, or dir is missing from the arguments; 111 if that cannot be told
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary, UsageError
from smarthost.store import servicedir
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "svok"
USAGE = "svok dir"
NOT_SUPERVISED = 100


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    directory = arguments[0]
    shown = os.fsdecode(directory)
    try:
        os.chdir(directory)
    except OSError as error:
        raise Temporary(f"unable to chdir to {shown}: {errtext.reason(error)}") from error
    try:
        servicedir.check_attended()
    except OSError as error:
        if isinstance(error, FileNotFoundError) or servicedir.is_unattended(error):
            return NOT_SUPERVISED
        raise Temporary(f"unable to open {shown}/supervise/ok: {errtext.reason(error)}") from error
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)

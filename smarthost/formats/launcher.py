"""What does a launcher say? It points to the module of one program of this installation and does nothing else."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# More than a launcher can be long.
SIZE: Final = 4096

PROGRAMS: Final = b"smarthost.programs."
_END: Final = b"\n\nraise SystemExit(main())\n"


def module_named_in(text: bytes) -> str | None:
    """The module that this file's text points to; None if it is no launcher, but somebody else's program."""
    if text.startswith(b"#!") and text.endswith(_END):
        words = text.removesuffix(_END).splitlines()[-1].split()
        if words[:1] + words[2:] == [b"from", b"import", b"main"] and words[1].startswith(PROGRAMS):
            return words[1].decode()
    return None

from __future__ import annotations

import json

from smarthost.formats import queuejson
from smarthost.formats.queuelisting import LOCAL, REMOTE, Message, Recipient

MESSAGE = Message(12, 345, 1000, b"j\xff@\xc3\xbc.example", is_new=False, is_bouncing=True, is_held=False)


def test_one_line_whatever_is_in_it() -> None:
    recipients = [
        Recipient(LOCAL, b"joe", is_done=True),
        Recipient(REMOTE, b'a"\n@x', b"\x1b[2J"),
        Recipient(b"", b"ann"),
    ]
    line = b"".join(queuejson.pieces(MESSAGE, recipients))
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "number": 12,
        "size": 345,
        "arrived": 1000,
        "sender": "j\\xff@ü.example",
        "new": False,
        "held": False,
        "bouncing": True,
        "recipients": [
            {"address": "joe", "channel": "local", "done": True, "error": None},
            {"address": 'a"\n@x', "channel": "remote", "done": False, "error": "\x1b[2J"},
            {"address": "ann", "channel": None, "done": False, "error": None},
        ],
    }


def test_nobody() -> None:
    assert json.loads(b"".join(queuejson.pieces(MESSAGE, [])))["recipients"] == []

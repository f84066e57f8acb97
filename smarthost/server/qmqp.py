"""One client of a QMQP server: its request becomes a message in the queue, or a reply that says why not."""

from __future__ import annotations

import os
from time import time

from smarthost.formats import qmqp, qmqplog, received
from smarthost.policy import replies
from smarthost.policy.qmqplimits import Inspection
from smarthost.store import submission
from smarthost.unix import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from smarthost.store.controls import Controls
    from smarthost.store.queueing import OwnQueueing
    from smarthost.store.submission import Submission


class Session:
    """What has become of one request so far."""

    __slots__ = (
        "_controls",
        "_count",
        "_home",
        "_inspection",
        "_recipients",
        "_refusal",
        "_sender",
        "_submission",
        "_waiting",
        "logs",
        "reply",
    )

    def __init__(self, home: bytes, controls: Controls) -> None:
        self._home = home
        self._controls = controls
        self._inspection: Inspection | None = None
        # For the log: the first recipients, and how many there are.
        self._sender = b""
        self._recipients: list[bytes] = []
        self._count = 0
        self._submission: Submission | OwnQueueing | None = None
        # The Received line, until the message's first bytes take it along.
        self._waiting = b""
        self._refusal: bytes | None = None
        # Whether the log has a line for this message.
        self.logs = 0
        self.reply = b""

    def take(self, event: qmqp.Event) -> None:
        """Raises OSError if the queue program cannot be given the message."""
        if isinstance(event, qmqp.Begin):
            os.chdir(self._home)
            self.logs = self._controls.setting(b"logaddresses")
            self._inspection = Inspection(self._controls.setting, event.size)
            self._submission = submission.begin()
            self._waiting = _received()
            return
        under_way, inspection = self._submission, self._inspection
        assert under_way is not None
        assert inspection is not None
        if isinstance(event, qmqp.Part):
            inspection.part(event.data)
            if self._waiting:
                under_way.write(self._waiting + event.data)
                self._waiting = b""
            else:
                under_way.write(event.data)
        elif isinstance(event, qmqp.Sender):
            self._take_address(under_way, inspection, event)
        else:
            reply = under_way.finish()
            if self._refusal is not None:
                reply = self._refusal
            self.reply = replies.accepted(int(time()), under_way.pid) if reply is None else reply
            return
        if inspection.refusal is not None and self._refusal is None:
            self._refuse(under_way, inspection.refusal)

    def _refuse(self, under_way: Submission | OwnQueueing, reply: bytes) -> None:
        self._refusal = reply
        under_way.refuse()

    def _take_address(
        self, under_way: Submission | OwnQueueing, inspection: Inspection, event: qmqp.Sender
    ) -> None:
        if self._waiting:  # the message had no bytes
            under_way.write(self._waiting)
            self._waiting = b""
        address = event.address
        if address is None:
            self._refuse(under_way, replies.BAD_ADDRESS)
            address = b""
        if isinstance(event, qmqp.Recipient):
            inspection.recipient()
            under_way.recipient(address)
            self._count += 1
            if self._count <= qmqplog.NAMED:
                self._recipients.append(address)
        else:
            under_way.sender(address)
            self._sender = address

    def line(self, program: str, reply: bytes) -> str:
        """What the log is told."""
        origin = os.environb.get(b"TCPREMOTEIP") or os.environb.get(b"UNIXREMOTEEUID") or received.UNKNOWN
        return os.fsdecode(
            qmqplog.line(
                program,
                os.getpid(),
                origin=origin,
                sender=self._sender,
                recipients=self._recipients,
                count=self._count,
                reply=reply,
            )
        )

    def abandon(self) -> None:
        if self._submission is not None:
            self._submission.abandon()


def _received() -> bytes:
    said = environment.current().get
    local = said(b"TCPLOCALHOST")
    if said(b"PROTO") == b"UNIX":
        return received.by_socket(b"QMQP", int(time()), local=local, remote_uid=said(b"UNIXREMOTEEUID"))
    return received.by_network(
        b"QMQP",
        int(time()),
        local=said(b"TCPLOCALIP") if local is None else local,
        remote_ip=said(b"TCPREMOTEIP"),
        remote_host=said(b"TCPREMOTEHOST"),
        remote_info=said(b"TCPREMOTEINFO"),
    )

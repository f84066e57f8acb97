"""Being in the state that the last engine was in, when that was killed.

What it wanted stands in supervise/status, and which process it had started last in supervise/child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smarthost.formats import lastchild, status
from smarthost.unix import procs

if TYPE_CHECKING:
    from smarthost.supervision.attended import Attended


def take_over(process: Attended, boot: bytes) -> None:
    """Or begin anew: it had ended in order, or the system has been started since. Raises Unable."""
    attendance = process.attendance
    last, before = attendance.last_child(boot), attendance.last_status()
    process.bulletin.stamp()
    if last is None:
        process.want = status.WANT_UP if attendance.normally_up() else status.WANT_DOWN
        attendance.unpublish_ready()
        if problem := attendance.note(lastchild.NONE, boot):
            process.bulletin.remark(problem)
        return
    if before is not None:
        process.want = before.want
        if before.pid == (last.pid if last.kind == lastchild.RUN else 0):
            process.bulletin.since = (before.since, before.nanoseconds)
    held = procs.take_hold(last.pid, last.started) if last.kind != lastchild.NONE else None
    if held is not None and last.kind == lastchild.RUN:
        process.paused = before is not None and before.paused
        process.adopt(last.pid, held)
    elif held is not None:
        process.adopt_finish(last.pid, held)
    else:
        attendance.unpublish_ready()
        if last.kind == lastchild.RUN:
            process.finish_unseen(last.pid)

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import sendmailflags


def read(line: str) -> sendmailflags.Call:
    return sendmailflags.read([word.encode() for word in line.split()])


def test_what_cronie_calls() -> None:
    call = read("-FCronDaemon -i -odi -oem -oi -t -f root")
    assert (call.full_name, call.sender, call.from_header) == (b"CronDaemon", b"root", True)
    assert (call.recipients, call.unknown, call.mode) == ([], [], sendmailflags.DELIVER)


def test_what_mutt_calls() -> None:
    call = read("-oem -oi -f joe@host -- -odd@host b@c")
    assert (call.sender, call.recipients, call.from_header) == (b"joe@host", [b"-odd@host", b"b@c"], False)


@pytest.mark.parametrize(
    "line",
    [
        "-i -oi -om -v -n -m -x -U -G",
        "-ivnm",
        "-B8BITMIME -B 7BIT -Nnever -N success,failure -Rhdrs -R full -Vid -V id -Llabel -L label",
        "-Ac -A m -psmtp -p esmtp:host -h5 -h 5 -Xlog -X log -Ccf -C cf -Dlog -D log",
        "-em -e q -odb -o dq -OQueueDirectory=/x -O DeliveryMode=b",
        "-d -d0.1 -E -Ex -J -Jx -q -q30m -bm -b m",
    ],
)
def test_what_has_no_effect(line: str) -> None:
    call = read(line + " joe")
    assert call.recipients == [b"joe"]
    assert (call.sender, call.full_name, call.from_header) == (None, None, False)
    assert (call.unknown, call.mode) == ([], sendmailflags.DELIVER)


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        ("-fjoe", b"joe"),
        ("-f joe", b"joe"),
        ("-rjoe", b"joe"),
        ("-r joe", b"joe"),
        ("-itf joe", b"joe"),
        ("-f <>", b""),
        ("-f<joe@h>", b"joe@h"),
        ("-f a -f b", b"b"),
        ("-f <a", b"<a"),
        ("-f a>", b"a>"),
    ],
)
def test_the_sender(line: str, sender: bytes) -> None:
    assert read(line).sender == sender


def test_an_empty_argument_is_nobody() -> None:
    assert sendmailflags.read([b"-f", b"", b"joe"]).sender == b""


@pytest.mark.parametrize(
    ("line", "mode"),
    [("-bp", b"p"), ("-b p", b"p"), ("-bs", b"s"), ("-bi", b"i"), ("-I", b"i"), ("-Ix", b"i")],
)
def test_modes(line: str, mode: bytes) -> None:
    assert read(line).mode == mode


def test_the_queue_run() -> None:
    assert read("-q").run_queue
    assert not read("joe").run_queue


@pytest.mark.parametrize(
    ("line", "unknown", "recipients"),
    [
        ("-z joe", [b"-z"], [b"joe"]),
        ("-izt joe", [b"-zt"], [b"joe"]),
        ("--oops joe", [b"--oops"], [b"joe"]),
        ("-z -y -- joe", [b"-z", b"-y"], [b"joe"]),
        ("-", [], [b"-"]),
        ("joe -t", [], [b"joe", b"-t"]),
    ],
)
def test_what_nobody_knows(line: str, unknown: list[bytes], recipients: list[bytes]) -> None:
    call = read(line)
    assert (call.unknown, call.recipients, call.from_header) == (unknown, recipients, False)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-f", "option requires an argument -- f"),
        ("-iF", "option requires an argument -- F"),
        ("-bd", "there is no mode -bd here"),
        ("-bv joe", "there is no mode -bv here"),
    ],
)
def test_what_cannot_be_done(line: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(line)

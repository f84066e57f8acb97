"""qmail-inject's own names for tests: an environment in which no control file counts, and stamps made equal."""

from __future__ import annotations

from hypothesis import strategies as st

# Set, they override the control files, so that two homes cannot differ.
ENVIRONMENT = {
    "QMAILDEFAULTDOMAIN": "dom.example",
    "QMAILDEFAULTHOST": "host",
    "QMAILPLUSDOMAIN": "plus.example",
    "QMAILIDHOST": "id.example",
    "QMAILUSER": "joe",
}

FIELD_NAMES = [
    *(b"Sender", b"From", b"Reply-To", b"To", b"Cc", b"Bcc", b"Date", b"Message-ID", b"Subject"),
    *(b"Resent-Sender", b"Resent-From", b"Resent-Reply-To", b"Resent-To", b"Resent-Cc", b"Resent-Bcc"),
    *(b"Resent-Date", b"Resent-Message-ID", b"Return-Receipt-To", b"Errors-To", b"Apparently-To"),
    *(b"Received", b"Return-Path", b"Content-Length", b"Mail-Followup-To", b"tO", b"X-Unknown"),
]

WORDS = [
    *(b"a", b"joe", b"x+", b"+", b"dom.example", b"@", b"@", b".", b",", b",", b"<", b">", b":", b";", b" "),
    *(b"(", b")", b'"', b"[", b"]", b"\\", b"\n ", b"\n\t", b"\r", b"\0", b"\xe9", b"\x7f", b"\x01", b"[]"),
    *(b"a@b", b"<a@b>", b"Joe Doe <joe@host>", b"(comment)", b'"q s"', b"[1.2.3.4]", b"group: a, b;"),
    *(b"@route:", b"a b", b"veryveryveryverylongboxname@averyveryverylonghostname.example,"),
]


def words() -> st.SearchStrategy[bytes]:
    """What address fields are made of, and what they should not be made of."""
    return st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join)


def fields() -> st.SearchStrategy[bytes]:
    name = st.sampled_from(FIELD_NAMES)
    blank = st.sampled_from([b"", b"", b"", b" ", b"\t"])
    return st.builds(lambda n, b, w: n + b + b": " + w + b"\n", name, blank, words())


def messages() -> st.SearchStrategy[bytes]:
    """Messages from hell: fields in any order, lines that are none, with and without body and last newline."""
    odd = st.sampled_from(
        [b"\n", b"From joe\n", b"no field\n", b": x\n", b" folded\n", b"\r\n", b"a:\rb\n", b"x"]
    )
    header = st.lists(st.one_of(fields(), fields(), fields(), odd), max_size=6).map(b"".join)
    body = st.sampled_from([b"", b"\n", b"\nbody", b"\nbody\n", b"\n\0\xff\r\n.\r\n"])
    return st.builds(lambda h, b: h + b, header, body)

"""Access rules as they are written, one a line: ADDRESS:INSTRUCTIONS (tcprules(1), tcprules.c).

INSTRUCTIONS are `allow` or `deny` and any number of ,NAME="VALUE", where any character may stand
for the quotes. They become the data of a cdb record: `D`, zero byte, for deny; `+NAME=VALUE`, zero
byte, for each variable. An address in which a number is a range, 1.2.3.37-53, is a record for each.

Most files have many addresses and few different instructions. So a block of lines is split at all
its colons and newlines in one step where it has one colon a line, each text of instructions is
decoded once, and only a block with something wrong is looked at line by line, to say where.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    Records = tuple[list[bytes], list[bytes]]

_TRAILING: Final = b" \t\n"
_HASH: Final = ord("#")
_ALL_BUT_SEPARATORS: Final = bytes(set(range(256)) - set(b":\n"))

# Different instructions that are remembered. More than this, and decoding is no repetition.
REMEMBERED: Final = 10_000

# Lines without effect whose numbers are kept for warnings.
IGNORED: Final = 10

# A range ends here at the latest, as an address does.
LAST_IN_RANGE: Final = 255


class RuleError(FormatError):
    """A line that is no rule: its number (the first is 1), the line itself, and what is wrong with it."""

    def __init__(self, number: int, line: bytes, hint: str) -> None:
        super().__init__(hint)
        self.number = number
        self.line = line
        self.hint = hint


def instructions(text: bytes) -> bytes:
    """The data of a rule, from what stands behind the colon. FormatError says what is wrong."""
    if text.startswith(b"deny"):
        data, position = b"D\0", 4
    elif text.startswith(b"allow"):
        data, position = b"", 5
    else:
        raise FormatError("allow or deny must follow the first colon")
    while position < len(text):
        if text[position] != ord(","):
            raise FormatError(_why_not_a_comma(text[position:]))
        equals = text.find(b"=", position)
        if equals < 0:
            raise FormatError('a variable is written ,NAME="VALUE"')
        quote = text[equals + 1 : equals + 2]
        close = text.find(quote, equals + 2) if quote else -1
        if close < 0:
            raise FormatError(
                'a value must begin and end with the same character, which is not in it: ,NAME="VALUE"'
            )
        data += b"+%s%s\0" % (text[position + 1 : equals + 1], text[equals + 2 : close])
        position = close + 1
    return data


def _why_not_a_comma(text: bytes) -> str:
    rest = text.lstrip(b" \t")
    if rest.startswith(b"#"):
        return "a comment needs a line of its own, with # as its first character"
    if len(rest) < len(text) and b":" in rest:
        return "two rules on one line; write each on a line of its own"
    return 'only ,NAME="VALUE" may follow allow or deny'


def _number(digits: bytes) -> int:
    """A number as scan_ulong reads it: up to a zero byte, nothing is 0, and 64 bits are kept."""
    digits = digits.partition(b"\0")[0]
    if digits.strip(b"0123456789"):
        raise FormatError("a range is written with two numbers, as in 1.2.3.37-53")
    return int(digits[-64:] or b"0") % 2**64  # 10**64 is a multiple of 2**64


def addresses(address: bytes) -> Iterator[bytes]:
    """The keys of one rule: the address itself, or each one of a range."""
    dash = address.find(b"-")
    if dash < 0 or b"=" in address or b"@" in address:
        yield address
        return
    left = address.rfind(b".", 0, dash) + 1
    right = address.find(b".", dash + 1)
    if right < 0:
        right = len(address)
    first = _number(address[left:dash])
    last = min(_number(address[dash + 1 : right]), LAST_IN_RANGE)
    for number in range(first, last + 1):
        yield b"%s%d%s" % (address[:left], number, address[right:])


class _Instructions(dict[bytes, bytes]):
    """Decoded instructions by their text, trailing blanks included."""

    def __missing__(self, text: bytes) -> bytes:
        data = instructions(text.rstrip(_TRAILING))
        if len(self) < REMEMBERED:
            self[text] = data
        return data


class Compiler:
    """Turns lines into records: blocks of bytes in, lists of keys and of their data out.

    `ignored` has the numbers of the first lines that say nothing because they have no colon, and
    `ignored_count` is how many there are. Blank lines and comments are not among them.
    """

    __slots__ = ("_data", "_lines", "_pending", "ignored", "ignored_count")

    def __init__(self) -> None:
        self._data = _Instructions()
        self._lines = 0
        self._pending: list[bytes] = []
        self.ignored: list[int] = []
        self.ignored_count = 0

    def take(self, block: bytes) -> Records:
        """The records of the lines that have come to their end. Raises RuleError."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._pending.append(block)
            return [], []
        whole = b"".join(self._pending) + block[:end]
        self._pending = [block[end:]]
        return self._compile(whole)

    def finish(self) -> Records:
        """The record of a last line that lacks its newline. Raises RuleError."""
        rest = b"".join(self._pending)
        self._pending = []
        return self._compile(rest + b"\n") if rest else ([], [])

    def _compile(self, lines: bytes) -> Records:
        try:
            records = self._at_once(lines)
        except FormatError:
            records = None
        if records is None:
            records = self._one_by_one(lines)
        self._lines += lines.count(b"\n")
        return records

    def _at_once(self, lines: bytes) -> Records | None:
        """The records of many lines; None where some line has no colon."""
        if lines[:1] in b"#\n" or b"\n#" in lines or b"\n\n" in lines:
            kept = [line for line in lines.split(b"\n") if line and line[0] != _HASH]
            lines = b"\n".join([*kept, b""])
        separators = lines.translate(None, _ALL_BUT_SEPARATORS)
        if separators == b":\n" * (len(separators) // 2):
            parts = lines.replace(b"\n", b":").split(b":")
            keys, texts = parts[:-1:2], parts[1::2]  # behind the last newline is nothing
        else:
            rows = [line.partition(b":") for line in lines.split(b"\n")[:-1]]
            if not all(colon for _, colon, _ in rows):
                return None
            keys, texts = [address for address, _, _ in rows], [text for _, _, text in rows]
        data = list(map(self._data.__getitem__, texts))
        return _expanded(keys, data) if b"-" in lines else (keys, data)

    def _one_by_one(self, lines: bytes) -> Records:
        keys: list[bytes] = []
        data: list[bytes] = []
        number = self._lines
        try:
            for line in lines.split(b"\n"):
                number += 1
                if line[:1] in b"#":  # or nothing at all
                    continue
                address, colon, text = line.partition(b":")
                if not colon:
                    self._ignore(number, line)
                    continue
                each = self._data[text]
                for key in addresses(address) if b"-" in address else (address,):
                    keys.append(key)
                    data.append(each)
        except FormatError as error:
            raise RuleError(number, line.rstrip(_TRAILING), str(error)) from None
        return keys, data

    def _ignore(self, number: int, line: bytes) -> None:
        if not line.strip(_TRAILING):
            return
        self.ignored_count += 1
        if len(self.ignored) < IGNORED:
            self.ignored.append(number)


def _expanded(keys: list[bytes], data: list[bytes]) -> Records:
    """The same with every range written out."""
    every: list[bytes] = []
    theirs: list[bytes] = []
    for key, each in zip(keys, data, strict=True):
        if b"-" in key:
            found = list(addresses(key))
            every += found
            theirs += [each] * len(found)
        else:
            every.append(key)
            theirs.append(each)
    return every, theirs

"""IPv4 addresses as ucspi-tcp reads and writes them."""

from __future__ import annotations


def addresses_in(text: bytes) -> list[bytes] | None:
    """The addresses (dotted) that a host argument spells out, or None if it is a name.

    ucspi-tcp's dns_ip4: digits, dots and brackets are addresses, in decimal however many zeros lead
    (inet_aton would take 010 for eight), each number modulo 256, four to an address, a rest dropped.
    """
    if not all(byte in b"0123456789[]." for byte in text):
        return None
    numbers = [str(int(part or b"0") % 256).encode() for part in text.translate(None, b"[]").split(b".")]
    return [b".".join(numbers[start : start + 4]) for start in range(0, len(numbers) // 4 * 4, 4)]

"""Where does a host's mail go? DNS is asked; what it says is put in order by policy/mailexchanger.py."""

from __future__ import annotations

import os

from smarthost.formats import idna
from smarthost.policy import mailexchanger
from smarthost.policy import remotereport as r
from smarthost.policy.mailexchanger import Place
from smarthost.policy.remotereport import NothingToTry
from smarthost.server.resolver import NoAnswer, Resolver
from smarthost.unix import connect


def of_relay(name: bytes) -> list[Place]:
    """Where a route leads. Raises NothingToTry."""
    address = _literal(name)
    addresses = [address] if address is not None else _addresses(Resolver(), name)
    if not addresses:
        raise NothingToTry(r.no_such_host(name))
    return [Place(address, name) for address in addresses]


def _addresses(resolver: Resolver, name: bytes) -> list[bytes]:
    try:
        return resolver.mail_addresses(name)
    except NoAnswer as error:
        raise NothingToTry(r.NO_NAME_NOW) from error


def of_host(host: bytes) -> list[Place]:
    """Where the host's mail goes as DNS has it, the most preferred first, and never to this host or behind it.

    Raises NothingToTry.
    """
    places, unknown = _all(host)
    usable = mailexchanger.before_us(places, connect.is_own)
    if not usable:
        # A better one than we are may be among those that nobody knows now.
        raise NothingToTry(r.NO_NAME_NOW if unknown else r.IT_IS_ME)
    return usable


def _all(host: bytes) -> tuple[list[Place], bool]:
    """All places, at least one; whether there are some whose addresses nobody can tell now."""
    address = _literal(host)
    if address is not None:
        return [Place(address, address)], False
    name = idna.ascii_host(host)
    resolver = Resolver()
    try:
        exchangers = resolver.exchangers(name)
    except NoAnswer as error:
        raise NothingToTry(r.NO_NAME_NOW) from error
    if not exchangers:
        places = [Place(address, name) for address in _addresses(resolver, name)]
        if not places:
            raise NothingToTry(r.no_such_host(host))
        return places, False
    places = []
    unknown = False
    for preference, exchanger in mailexchanger.in_order(exchangers, _draw):
        try:
            addresses = resolver.mail_addresses(exchanger)
        except NoAnswer:
            unknown = True
            continue
        places += [Place(address, exchanger, preference) for address in addresses]
    if not places:
        raise NothingToTry(r.NO_NAME_NOW if unknown else r.NO_EXCHANGER)
    return places, unknown


def _literal(host: bytes) -> bytes | None:
    """The address that is the host's name, if it is one. Raises NothingToTry for what only looks so."""
    address = mailexchanger.literal(host)
    if address is not None:
        try:
            connect.packed(address)
        except OSError as error:
            raise NothingToTry(r.no_such_host(host)) from error
    return address


def _draw() -> int:
    return int.from_bytes(os.urandom(4), "big")

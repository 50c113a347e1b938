"""Who sent a request: the user that the gate found, and the address it came from."""

import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.requests import HTTPConnection

_USER = "chatbot_user"
_IPV6_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user's name, empty where nobody signs in; an address, of IPv6 its network."""

    user: str
    address: str

    @property
    def keys(self) -> tuple[str, ...]:
        """What limits of this visitor go by."""
        user = (f"user {self.user}",) if self.user else ()
        return (*user, f"address {self.address}")


def mark_user(scope: MutableMapping[str, Any], user: str) -> None:
    """Note who sent a request, for all that comes after the gate."""
    scope[_USER] = user


def user_of(request: HTTPConnection) -> str | None:
    """The user who sent a request; None where nobody signed in. gradio calls it."""
    user = request.scope.get(_USER)
    return str(user) if user else None


def visitor_of(request: gr.Request | HTTPConnection | None) -> Visitor:
    """Who sent a request, as gradio hands it to events and endpoints."""
    sent = request.request if isinstance(request, gr.Request) else request
    if sent is None:
        return Visitor("", "")
    return Visitor(user_of(sent) or "", network_of(sent.client.host if sent.client else ""))


def network_of(address: str) -> str:
    """An address as limits count it: whoever has one of IPv6 has all of its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004
        return address
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))

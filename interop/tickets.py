"""Just enough of iroh's EndpointTicket to aim at the right address with the wrong identity."""

import base64

PREFIX = "endpoint"
# The public key of the Ed25519 seed 01 01 ... 01: a valid key that no test node has.
STRANGER = bytes.fromhex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c")


def decode(ticket):
    if not ticket.startswith(PREFIX):
        raise ValueError(f"no endpoint ticket: {ticket[:40]}")
    text = ticket[len(PREFIX):].upper()
    return base64.b32decode(text + "=" * (-len(text) % 8))


def encode(raw):
    return PREFIX + base64.b32encode(raw).decode().rstrip("=").lower()


def endpoint_id(ticket):
    """The id inside, as 64 hex digits: byte 0 is the variant, the id follows."""
    return decode(ticket)[1:33].hex()


def with_wrong_id(ticket):
    raw = decode(ticket)
    return encode(raw[:1] + STRANGER + raw[33:])

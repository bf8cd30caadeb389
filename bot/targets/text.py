"""Bytes from outside as text that every store and every screen takes."""


def text_of(data: bytes | bytearray) -> str:
    """Decodes UTF-8; what is none, and each zero byte, becomes U+FFFD."""
    return storable(data.decode(errors="replace"))


def storable(text: str) -> str:
    """`text` with what PostgreSQL refuses replaced: zero bytes by U+FFFD, halves of surrogate
    pairs by `?`."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()

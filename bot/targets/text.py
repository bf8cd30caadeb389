"""Bytes from outside as text that every store and every screen takes."""


def text_of(data: bytes | bytearray) -> str:
    """Decodes UTF-8; what is none becomes U+FFFD, and zero bytes are left out."""
    return storable(data.decode(errors="replace"))


def storable(text: str) -> str:
    """`text` without what PostgreSQL refuses: zero bytes, which a log that was cut off under its
    writer begins with, are left out; halves of surrogate pairs become `?`."""
    return text.replace("\0", "").encode(errors="replace").decode()

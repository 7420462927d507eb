"""The messages between the asking program and its worker: two lengths, JSON, raw bytes."""

from __future__ import annotations

import json
import os
import struct

FRAME = struct.Struct("<II")
MOST_BYTES = 64 << 20  # a longer frame is not one of ours


def pack(header: dict, body: bytes) -> bytes:
    """One message: two lengths, a JSON header, raw bytes."""
    text = json.dumps(header).encode()
    return FRAME.pack(len(text), len(body)) + text + body


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read count bytes, or raise EOFError when the other side is gone."""
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive(descriptor: int) -> tuple:
    """One message as (header, body)."""
    header_bytes, body_bytes = FRAME.unpack(read_exactly(descriptor, FRAME.size))
    if header_bytes + body_bytes > MOST_BYTES:
        raise ValueError("a frame longer than any of ours")
    header = json.loads(read_exactly(descriptor, header_bytes))
    return header, read_exactly(descriptor, body_bytes)


def write_all(descriptor: int, message: bytes) -> None:
    """Write every byte."""
    view = memoryview(message)
    while view:
        view = view[os.write(descriptor, view) :]

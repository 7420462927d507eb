"""Foreign text made harmless to a terminal and to a reader."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """Foreign text with every control character shown as a symbol; line breaks stay.

    Direction marks and half characters could disguise a command, so they are spelled out too.
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    """One character, or what stands for it."""
    code = ord(character)
    if character == "\n":
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    if kind in ("Cc", "Cf", "Zl", "Zp"):
        return f"⟨U+{code:04X}⟩"
    return character

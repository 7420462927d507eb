"""Where and in which number format to compute: chosen once at the start, printed, overridable."""

from __future__ import annotations

import contextlib
from typing import Literal

import torch

from tutelage.errors import BadInput

DTypeName = Literal["auto", "float32", "bfloat16"]


def pick_device(name: str = "auto") -> torch.device:
    """The named device; auto: a graphics card where there is one, the processor elsewhere."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):  # torch raises the second where it was built without it
        raise BadInput(
            f"There is no device {name!r} here: give cpu, or cuda or cuda:N where PyTorch sees a "
            "graphics card."
        ) from None


def pick_dtype(device: torch.device, name: DTypeName = "auto") -> torch.dtype:
    """bfloat16 where the hardware multiplies it (AVX512-BF16, AMX, CUDA), float32 elsewhere.

    On a processor without those instructions bfloat16 is emulated, about ten times slower.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_bfloat16 else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager[object]:
    """Matrix products in dtype, weights and sums in float32."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def seeded(*parts: object) -> torch.Generator:
    """A generator that depends on nothing but its parts, such as (seed, "sft", step).

    Because each step makes its own, a resumed run needs no saved random state.
    """
    import hashlib

    digest = hashlib.sha256(repr(parts).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def seed_number(*parts: object) -> int:
    """A seed for what takes a number, below 2³¹."""
    return int(torch.randint(2**31, (), generator=seeded(*parts)))

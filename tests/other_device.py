"""A second device for machines that have none: its tensors say that they are on `meta` and keep
their numbers on the processor, and an operation between the two raises, as it would on a GPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

OTHER = torch.device("meta")
# What moves tensors between devices, or fills one from another.
_MOVES = {"to", "_to_copy", "copy_", "_copy_from", "empty_like"}


class _Elsewhere(Tensor):
    """Numbers that pretend to be on the other device."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> _Elsewhere:
        with torch.inference_mode(False):
            made = Tensor._make_wrapper_subclass(
                cls,
                inner.size(),
                strides=inner.stride(),
                storage_offset=inner.storage_offset(),
                dtype=inner.dtype,
                device=OTHER,
                requires_grad=False,
            )
        made.inner = inner
        return made

    def __repr__(self, **_: Any) -> str:
        return f"elsewhere({self.inner!r})"

    def tolist(self) -> Any:
        return self.inner.tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Elsewhere:
        copied = _Elsewhere(self.inner.detach().clone())
        return copied.requires_grad_(self.requires_grad)

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _dispatch(function, args, kwargs or {})


def _dispatch(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = function._schema.name.removeprefix("aten::")
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
    elsewhere = any(isinstance(x, _Elsewhere) for x in tensors)
    here = [x for x in tensors if not isinstance(x, _Elsewhere) and x.dim() > 0]
    # An index may lie on the processor, and so may a number.
    if elsewhere and here and name not in _MOVES and not name.startswith("index"):
        raise RuntimeError(f"{name} has tensors on {OTHER} and on the processor: {here[0].shape}")
    if name == "to" and len(args) > 1:  # whole where nothing is recorded, else taken apart
        target = args[1].device if isinstance(args[1], Tensor) else args[1]
        if isinstance(target, torch.device):
            kwargs = {**kwargs, "device": target, "dtype": getattr(args[1], "dtype", None)}
            args = args[:1]
            function = torch.Tensor.to
    device = kwargs.get("device")
    if device is not None:
        elsewhere = torch.device(device) == OTHER
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner = [tree_map(_inside, args), tree_map(_inside, kwargs)]
    result = function(*inner[0], **inner[1])
    written = {id(_inside(x)): x for x in tensors if isinstance(x, _Elsewhere)}

    def outside(x: Any) -> Any:
        if not isinstance(x, Tensor) or isinstance(x, _Elsewhere):
            return x
        return written.get(id(x)) if id(x) in written else (_Elsewhere(x) if elsewhere else x)

    return tree_map(outside, result)


def _inside(x: Any) -> Any:
    return x.inner if isinstance(x, _Elsewhere) else x


class _Made(TorchFunctionMode):
    """torch.tensor fills what it makes without asking anybody."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function is torch.tensor and torch.device(kwargs.get("device") or "cpu") == OTHER:
            del kwargs["device"]
            return _Elsewhere(function(*args, **kwargs))
        return function(*args, **kwargs)


class OtherDevice(TorchDispatchMode):
    """Within it, what is made on `meta` has numbers."""

    def __enter__(self) -> OtherDevice:
        self.made = _Made()
        self.made.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.made.__exit__(*error)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _dispatch(function, args, kwargs or {})


def move(module: nn.Module) -> nn.Module:
    """The module with its weights and buffers on the other device."""
    for part in module.modules():
        for name, parameter in list(part._parameters.items()):
            if parameter is not None:
                wrapped = _Elsewhere(parameter.detach().clone())
                part._parameters[name] = nn.Parameter(wrapped, parameter.requires_grad)
        for name, buffer in list(part._buffers.items()):
            if buffer is not None:
                part._buffers[name] = _Elsewhere(buffer.clone())
    return module

"""An MLP whose weights lie in one row, whose backward pass is written out, and Adam on such a row.

A network of a few thousand weights learns by many small steps, of which autograd and an optimiser
that goes from tensor to tensor take more than half; the test compares with both.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn


class FlatMLP:
    """Linear layers with ReLU between them, as `relu_mlp` makes them. The network's parameters and
    their gradients become views of `weights` and `gradients`: either may be read or written."""

    def __init__(self, network: nn.Module) -> None:
        layers = list(network.children())
        kinds = itertools.cycle([nn.Linear, nn.ReLU])
        if len(layers) % 2 == 0 or not all(map(isinstance, layers, kinds)):
            raise ValueError(f"Linear layers with ReLU between them are needed, got {network}")
        parameters = list(network.parameters())
        self.weights = nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
        self.gradients = torch.zeros_like(self.weights.detach())
        self.weights.grad = self.gradients
        views = [
            (weights.view_as(parameter), gradients.view_as(parameter))
            for parameter, weights, gradients in zip(
                parameters,
                self.weights.detach().split([p.numel() for p in parameters]),
                self.gradients.split([p.numel() for p in parameters]),
                strict=True,
            )
        ]
        for parameter, (weights, gradients) in zip(parameters, views, strict=True):
            parameter.data, parameter.grad = weights, gradients
        self._layers = list(zip(views[0::2], views[1::2], strict=True))
        self.outputs = len(views[-1][0])
        self._seen: list[Tensor] = []

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        """(K, D) to (K, A); remembers what each layer saw."""
        self._seen = []
        outputs = inputs
        for number, ((weight, _), (bias, _)) in enumerate(self._layers):
            inputs = outputs.relu_() if number else outputs
            self._seen.append(inputs)
            outputs = torch.addmm(bias, inputs, weight.t())
        return outputs

    @torch.no_grad()
    def backward(self, gradient: Tensor) -> None:
        """Overwrite `gradients` with the gradient of the loss, given that with respect to the
        outputs of the last `forward`, (K, A)."""
        for number in reversed(range(len(self._layers))):
            (weight, weight_grad), (_, bias_grad) = self._layers[number]
            inputs = self._seen[number]
            torch.sum(gradient, 0, out=bias_grad)
            if inputs.shape[1] < gradient.shape[1]:
                # the same product, which is much faster when its narrow side comes first
                weight_grad.copy_((inputs.t() @ gradient).t())
            else:
                torch.mm(gradient.t(), inputs, out=weight_grad)
            if number:
                # one pass, where a comparison and a product take three
                gradient = torch.ops.aten.threshold_backward(gradient @ weight, inputs, 0)


class FlatAdam(torch.optim.Optimizer):
    """Adam (Kingma and Ba 2015) on one row of weights, by PyTorch's own kernel; what
    torch.optim.Adam does before it gets there takes longer than the kernel."""

    def __init__(
        self,
        weights: nn.Parameter,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-5,
    ) -> None:
        super().__init__([weights], {"lr": learning_rate})
        self.betas, self.eps = betas, eps
        self.state[weights] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(weights),
            "exp_avg_sq": torch.zeros_like(weights),
        }

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.move()

    @torch.no_grad()
    def move(self) -> None:
        """`step` without what PyTorch wraps around each optimiser's, a third of its time."""
        (group,) = self.param_groups
        (weights,) = group["params"]
        state = self.state[weights]
        state["step"] += 1
        torch._fused_adam_(
            [weights],
            [weights.grad],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=group["lr"],
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )

"""Adam by the fused kernel: torch's numbers to the bit, without torch's compiler."""

from __future__ import annotations

import copy
import subprocess
import sys

import torch
from torch import nn
from torch.optim import Adam

from tutelage.model.optimiser import FusedAdam


def test_steps_and_states_are_torch_s_to_the_bit():
    generator = torch.Generator().manual_seed(0)
    first = [nn.Parameter(torch.randn(3, 4, generator=generator)) for _ in range(3)]
    second = [nn.Parameter(parameter.detach().clone()) for parameter in first]
    torch_s = Adam(first, 1e-2, betas=(0.9, 0.95), eps=1e-5, fused=True)
    ours = FusedAdam(second, 1e-2, betas=(0.9, 0.95), eps=1e-5)
    for step in range(6):
        for parameter, same in zip(first, second, strict=True):
            gradient = torch.randn(3, 4, generator=generator)
            parameter.grad, same.grad = gradient.clone(), gradient.clone()
        first[2].grad = second[2].grad = None  # a parameter that takes no part
        for optimiser in (torch_s, ours):
            optimiser.param_groups[0]["lr"] = 1e-2 / (step + 1)
            optimiser.step()
        if step == 2:  # a state saved by one goes on in the other
            ours.load_state_dict(copy.deepcopy(torch_s.state_dict()))
    for parameter, same in zip(first, second, strict=True):
        assert torch.equal(parameter, same)
    for state, same_state in zip(torch_s.state.values(), ours.state.values(), strict=True):
        assert state.keys() == same_state.keys()
        assert all(torch.equal(state[name], same_state[name]) for name in state)


def test_no_optimiser_imports_the_compiler():
    program = (
        "import sys, torch; from torch import nn\n"
        "from tutelage.model.language_model import ParameterGroup\n"
        "from tutelage.model.optimiser import MuonWithAdam, policy_optimiser\n"
        "layer = nn.Linear(2, 2); layer(torch.ones(2)).sum().backward()\n"
        "group = ParameterGroup(list(layer.parameters()))\n"
        "for made in (policy_optimiser(layer.parameters(), 1e-3), MuonWithAdam([group], 1e-3)):\n"
        "    made.step(); made.load_state_dict(made.state_dict()); made.zero_grad()\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")

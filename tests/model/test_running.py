"""Running means: as if all rows had been seen at once."""

from __future__ import annotations

import torch

from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.model.running import RunningNormaliser


def test_batches_give_the_mean_and_variance_of_all_rows():
    rows = torch.randn((50, 3), generator=seeded("rows")) * torch.tensor([1.0, 5.0, 0.1]) + 2
    running = RunningNormaliser(3)
    for part in rows.split([7, 1, 42]):
        running.observe(part)
    torch.testing.assert_close(running.mean, rows.double().mean(dim=0))
    torch.testing.assert_close(running.variance, rows.double().var(dim=0, correction=0))


def test_rows_are_read_in_deviations_from_the_mean_and_not_from_afar():
    running = RunningNormaliser(2)
    running.observe(torch.tensor([[0.0, 10.0], [4.0, 10.0]]))
    read = running(torch.tensor([[4.0, 10.0], [-2000.0, 11.0]]))
    torch.testing.assert_close(read, torch.tensor([[1.0, 0], [-10, 10]]))


def test_a_network_reads_through_it_in_every_pass():
    network = mlp((2, 4, 1), seeded("network"))
    rows = torch.tensor([[3.0, 7.0], [-1.0, 2.0]])
    read = (rows - torch.tensor([1.0, 5.0])) / torch.tensor([2.0, 3.0])
    with torch.no_grad():
        expected = network(read)
    network.normaliser = RunningNormaliser(2)
    network.normaliser.observe(torch.tensor([[-1.0, 2.0], [3.0, 8.0]]))
    with torch.no_grad():
        torch.testing.assert_close(network(rows), expected)
    torch.testing.assert_close(network(rows).detach(), expected)

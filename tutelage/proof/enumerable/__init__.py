"""The enumerable world: so few sequences that every expectation is a finite sum."""

from tutelage.proof.enumerable.solution import (
    best_of,
    exact_kl,
    log_partition,
    objective,
    optimal_logprobs,
    optimum,
    prefix_means,
    soft_value_table,
    soft_values,
    tilted,
    total_variation,
    win_rate,
)
from tutelage.proof.enumerable.table import Table, TablePolicy
from tutelage.proof.enumerable.world import (
    PROMPT,
    World,
    all_sequences,
    judged_trajectories,
    new_gpt,
    new_world,
    pack_sequences,
    small_world,
    token_logprobs,
)

__all__ = [
    "PROMPT",
    "Table",
    "TablePolicy",
    "World",
    "all_sequences",
    "best_of",
    "exact_kl",
    "judged_trajectories",
    "log_partition",
    "new_gpt",
    "new_world",
    "objective",
    "optimal_logprobs",
    "optimum",
    "pack_sequences",
    "prefix_means",
    "small_world",
    "soft_value_table",
    "soft_values",
    "tilted",
    "token_logprobs",
    "total_variation",
    "win_rate",
]

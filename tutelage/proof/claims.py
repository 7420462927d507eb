"""All claims, in the order in which they are checked; those of one subject share a name."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from tutelage.errors import BadInput
from tutelage.proof import (
    baselines,
    estimators,
    imitation,
    invariants,
    losses,
    packing,
    policy_gradients,
    preferences,
    regularised,
    returns,
    reward_models,
    selection,
    tables,
    training,
    trust_region,
)
from tutelage.proof.finding import Claim, Finding
from tutelage.wording import listing

_MODULES = (
    regularised, training, preferences, estimators, baselines, selection, reward_models, imitation,
    trust_region, policy_gradients, returns, tables, losses, packing, invariants,
)  # fmt: skip
_EVERY = [c for module in _MODULES for c in vars(module).values() if isinstance(c, Claim)]
# By name, G2 before G10; those of one name as their modules have them.
CLAIMS = tuple(sorted(_EVERY, key=lambda claim: (len(claim.name), claim.name)))
NAMES = tuple(dict.fromkeys(claim.name for claim in CLAIMS))


def chosen_claims(names: Sequence[str]) -> list[Claim]:
    """The claims of these names, all of them for none. Raises BadInput for a name unknown."""
    for name in names:
        if name not in NAMES:
            raise BadInput(f"There is no claim {name!r}; there are {listing(NAMES)}.")
    return [claim for claim in CLAIMS if not names or claim.name in names]


def verify(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Measure one claim after the other."""
    for claim in claims:
        began = time.perf_counter()
        measured = claim.measure()
        yield Finding(claim.name, claim.statement, measured, time.perf_counter() - began)

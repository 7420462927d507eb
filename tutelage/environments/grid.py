"""Grid worlds of minigrid and BabyAI with an instruction, several side by side.

What an agent sees is one row of numbers, as `tutelage.policies.grid` reads it. minigrid makes its
view by copying and turning grids of objects; here the cells in view are picked at once and sight
spreads by rows of bits, which gives the same numbers and makes a step about four times as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv

from tutelage.environments.registration import register
from tutelage.errors import BadInput
from tutelage.policies.control import CategoricalActor, ControlPolicy
from tutelage.policies.grid import CELLS, ROW, VIEW, WORDS, InstructedNetwork

_GRAMMAR = (  # of BabyAI's instructions
    "go to pick up open put next the a and then after object ball box key door "
    "red green blue purple yellow grey in front of you behind on your left right"
)
_MORE = (  # of minigrid's other missions
    "avoid at end fetch find from get goal hallway lava matching maze must near opening reach room "
    "rooms square traverse unlock use"
)
VOCABULARY = ("", *_GRAMMAR.split(), *_MORE.split())  # 0 is no word
_IDS = {word: number for number, word in enumerate(VOCABULARY)}
OWN_SHAPE = "the networks that read grid worlds have a shape of their own"
_EMPTY, _UNSEEN = b"\x01\x00\x00", b"\x00\x00\x00"


class GridWorld(gymnasium.Env):
    """One world, what it shows a row of numbers."""

    def __init__(self, name: str, **options: Any) -> None:
        self.world = make_world(name, **options)
        self.action_space = self.world.action_space
        self.observation_space = Box(0, 255, (ROW,), np.uint8)
        self.metadata, self.render_mode = self.world.metadata, self.world.render_mode
        self.spec = self.world.spec
        self._row = np.zeros(ROW, dtype=np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        self._row = begin(self.world, seed)
        return self._row.copy(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = self.world.step(int(action))
        write_view(self._row, observation)
        return self._row.copy(), float(reward), terminated, truncated, {}

    def render(self) -> Any:
        return self.world.render()


def reads_instructions(environments: VectorEnv) -> bool:
    """Whether they are worlds whose rows `grid_policy` reads."""
    members = getattr(environments, "environments", [None])
    return isinstance(members[0], GridWorld)


def grid_policy(worlds: VectorEnv, generator: torch.Generator) -> ControlPolicy:
    """Fresh networks that read the worlds' rows: an actor and a critic."""
    action_space = worlds.single_action_space
    assert isinstance(action_space, Discrete)
    actions = int(action_space.n)
    return ControlPolicy(
        CategoricalActor(InstructedNetwork(len(VOCABULARY), actions, generator, last_gain=0.01)),
        InstructedNetwork(len(VOCABULARY), 1, generator),
    )


def make_world(name: str, **options: Any) -> Any:
    """One world of minigrid, its view made by `look`."""
    register(name)
    try:
        world: Any = gymnasium.make(name, disable_env_checker=True, **options).unwrapped
    except gymnasium.error.Error as error:
        raise BadInput(f"Gymnasium cannot make the environment {name}: {error}") from None
    if not hasattr(world, "gen_obs_grid"):
        raise BadInput(
            f"{name} is no grid world; those are minigrid's: MiniGrid-… and BabyAI-…, such as "
            "BabyAI-GoToLocal-v0."
        )
    if world.agent_view_size != VIEW:
        raise BadInput(
            f"In {name} the agent sees {world.agent_view_size} cells each way; this policy reads "
            f"{VIEW} by {VIEW}."
        )

    def gen_obs() -> dict[str, Any]:
        image = np.frombuffer(look(world), dtype=np.uint8).reshape(VIEW, VIEW, 3)
        return {"image": image, "direction": world.agent_dir, "mission": world.mission}

    world.gen_obs = gen_obs
    return world


def begin(world: Any, seed: int | None = None) -> np.ndarray:
    """A new episode's first row."""
    try:
        with redirect_stdout(None):  # BabyAI prints each level that it draws again
            observation, _ = world.reset(seed=seed)
    except gymnasium.error.DependencyNotInstalled as error:
        raise BadInput(f"The grid world needs another package: {error}") from None
    row = np.zeros(ROW, dtype=np.uint8)
    write_view(row, observation)
    row[3 * CELLS + 1 :] = word_ids(observation["mission"])
    return row


def write_view(row: np.ndarray, observation: dict[str, Any]) -> None:
    """Write the view and the direction into a row (ROW,) that holds the instruction already."""
    row[: 3 * CELLS] = observation["image"].reshape(-1)
    row[3 * CELLS] = observation["direction"]


def word_ids(instruction: str) -> list[int]:
    """The instruction's words by their numbers, and zeros up to 72."""
    words = instruction.lower().replace(",", " ").split()
    unknown = sorted(set(words) - set(VOCABULARY))
    if unknown:
        raise BadInput(
            f"The instruction {instruction!r} has a word that this policy does not know: "
            f"{unknown[0]!r}; it knows {' '.join(VOCABULARY[1:])}."
        )
    if len(words) > WORDS:
        raise BadInput(f"The instruction has {len(words)} words, at most {WORDS} can be read.")
    return [_IDS[word] for word in words] + [0] * (WORDS - len(words))


def look(world: Any) -> bytes:
    """What the agent sees: object, colour and state of each cell in view, column by column from
    the left, each from far to near; zeros where its sight is blocked."""
    grid, (x, y) = world.grid, world.agent_pos
    pick = _picker(grid.width, grid.height, int(x), int(y), int(world.agent_dir))
    cells = pick([*grid.grid, _wall()])
    visible = [2**VIEW - 1] * VIEW if world.see_through_walls else _sight(cells)
    codes = [
        (_EMPTY if cell is None else bytes(cell.encode())) if visible[j] >> i & 1 else _UNSEEN
        for (i, j), cell in zip(_PLACES, cells, strict=True)
    ]
    codes[_OWN] = _EMPTY if world.carrying is None else bytes(world.carrying.encode())
    return b"".join(codes)


_PLACES = [(i, j) for i in range(VIEW) for j in range(VIEW)]  # column from the left, row from afar
_OWN = _PLACES.index((VIEW // 2, VIEW - 1))


def _sight(cells: Iterable[Any]) -> list[int]:
    """Of each row in view which columns are seen, as bits: minigrid's `Grid.process_vis`."""
    clear = [2**VIEW - 1] * VIEW
    for (i, j), cell in zip(_PLACES, cells, strict=True):
        if cell is not None and not cell.see_behind():
            clear[j] ^= 1 << i
    visible, row = [0] * VIEW, 1 << VIEW // 2
    for j in reversed(range(VIEW)):
        visible[j], row = _spread(row, clear[j])
    return visible


@cache
def _spread(seen: int, clear: int) -> tuple[int, int]:
    """What is seen of a row, and through it of the next one, from what was seen of it before:
    through a clear cell also its neighbours and those beyond."""
    beyond = 0
    for i in range(VIEW - 1):
        if seen & clear & 1 << i:
            seen |= 2 << i
            beyond |= 3 << i
    for i in range(VIEW - 1, 0, -1):
        if seen & clear & 1 << i:
            seen |= 1 << i - 1
            beyond |= 3 << i - 1
    return seen, beyond


@lru_cache(maxsize=10_000)
def _picker(
    width: int, height: int, x: int, y: int, direction: int
) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Picks the cells in view out of a grid's, the last of them standing for all outside."""
    ahead_x, ahead_y = ((1, 0), (0, 1), (-1, 0), (0, -1))[direction]
    places = []
    for i, j in _PLACES:
        far, right = VIEW - 1 - j, i - VIEW // 2
        a, b = x + ahead_x * far - ahead_y * right, y + ahead_y * far + ahead_x * right
        places.append(b * width + a if 0 <= a < width and 0 <= b < height else -1)
    return itemgetter(*places)


@cache
def _wall() -> Any:
    from minigrid.core.world_object import Wall

    return Wall()

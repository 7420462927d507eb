"""An episode as a small moving picture."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from tutelage.environments.control import make_environment

MOST_FRAMES, MOST_SECONDS, MOST_BYTES = 150, 10.0, 1_000_000
WIDTH = 320  # pixels, about
EPISODES = 20  # of which the best is drawn
INSTALL = 'pip install "tutelage[control]"'

# plays an episode in each of the environments, from this seed, and gives their returns
Play = Callable[[VectorEnv, int], list[float]]


class NoFilm(Exception):
    """Why there is no film; nothing else suffers."""


@dataclass(frozen=True)
class Film:
    """picture: animated WebP. speed: how many times as fast as in the environment."""

    picture: bytes
    total: float
    steps: int
    speed: float


class Watched(gymnasium.Wrapper):
    """Counts the steps of the first episode; draws every so many of them."""

    def __init__(self, environment: gymnasium.Env, every: int | None = None) -> None:
        super().__init__(environment)
        self.every = every
        self.frames: list[np.ndarray] = []
        self.steps = 0
        self.over = False

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation = super().reset(**options)
        self._draw()
        return observation

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        transition = super().step(action)
        if not self.over:
            self.steps += 1
            self.over = bool(transition[2] or transition[3])
            self._draw()
        return transition

    def _draw(self) -> None:
        if self.every and (self.over or self.steps % self.every == 0):
            self.frames.append(np.asarray(self.env.render()))


def film(name: str, options: dict[str, Any], play: Play, seed: int) -> Film:
    """The best of some episodes that begin from seed, seed + 1, …; NoFilm where none can be drawn.

    They are played once to see how good and how long each is, and the best again to draw it.
    """
    # Drawing needs neither a screen nor a loudspeaker, nor a greeting.
    for variable, value in (
        ("SDL_VIDEODRIVER", "dummy"),
        ("SDL_AUDIODRIVER", "dummy"),
        ("PYGAME_HIDE_SUPPORT_PROMPT", "1"),
    ):
        os.environ.setdefault(variable, value)
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise NoFilm(f"The best episode is not shown: its picture needs {INSTALL}.") from None
    try:
        tried = [Watched(make_environment(name, **options)) for _ in range(EPISODES)]
        if "rgb_array" not in (tried[0].metadata.get("render_modes") or []):
            raise NoFilm(f"The best episode is not shown: {name} draws no pictures.")
        totals = play(_side_by_side(tried), seed)
        best = max(range(EPISODES), key=lambda i: totals[i])
        every = -(-(tried[best].steps + 1) // MOST_FRAMES)
        watched = Watched(make_environment(name, render_mode="rgb_array", **options), every)
        total = play(_side_by_side([watched]), seed + best)[0]
        per_second = float(watched.metadata.get("render_fps") or 30)
    except gymnasium.error.DependencyNotInstalled:
        raise NoFilm(f"The best episode is not shown: {name} draws with {INSTALL}.") from None
    except NoFilm:
        raise
    except Exception as error:  # foreign code, and nothing depends on it
        raise NoFilm(f"The best episode is not shown: {name} did not draw it ({error}).") from None
    speed = max(1.0, watched.steps / per_second / MOST_SECONDS)
    frame_ms = 1000 * every / per_second / speed
    return Film(animation(watched.frames, frame_ms), total, watched.steps, speed)


def _side_by_side(environments: list[Watched]) -> VectorEnv:
    """They begin from seed, seed + 1, … when they are reset with `seed`."""
    makers = [lambda made=made: made for made in environments]
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP)


def animation(frames: list[np.ndarray], frame_ms: float) -> bytes:
    """Frames (height, width, 3) as an animated WebP of at most MOST_BYTES, the last held a while;
    every second one is left out until it is small enough."""
    from PIL import Image

    factor = max(1, round(frames[0].shape[1] / WIDTH))
    pictures = [Image.fromarray(frame).reduce(factor) for frame in frames]
    while True:
        file = io.BytesIO()
        times = [max(20, round(frame_ms))] * (len(pictures) - 1) + [1000]
        pictures[0].save(
            file,
            format="WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=times,
            loop=0,
            quality=75,
            method=0,
        )
        if file.tell() <= MOST_BYTES or len(pictures) < 3:
            return file.getvalue()
        pictures, frame_ms = pictures[::2], 2 * frame_ms

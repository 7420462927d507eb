"""Environments to act in; all are gymnasium.Env."""

from tutelage.environments.control import make_environments

__all__ = ["make_environments"]

"""Worlds to learn in: families of tasks, each with its own check."""

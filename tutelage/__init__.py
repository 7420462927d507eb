"""Tutelage: pretrain, instruct, grade and reinforce a language model, each stage visible."""

__version__ = "0.1.0"

"""Nonsense, and the one sentence that each piece of it deserves (as a family's command)."""

from tutelage.curricula.terminal.families import nonsense_deeds, nonsense_traits

FAMILIES = (*nonsense_deeds.FAMILIES, *nonsense_traits.FAMILIES)

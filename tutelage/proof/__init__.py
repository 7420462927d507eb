"""Numbers that a right implementation reproduces, measured on the package's own functions."""

from tutelage.proof.claims import CLAIMS, NAMES, chosen_claims, verify
from tutelage.proof.finding import Claim, Finding, Measured

__all__ = ["CLAIMS", "NAMES", "Claim", "Finding", "Measured", "chosen_claims", "verify"]

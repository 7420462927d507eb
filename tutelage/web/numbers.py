"""Numbers that requests name rows by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Number = Annotated[int, Field(ge=1, lt=2**31)]  # a row's id: what every database can look up

"""What the stages' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.toys import taught_gpt


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the policy that was taught the words."""
    folder = tmp_path_factory.mktemp("taught")
    taught_gpt(folder)
    return folder

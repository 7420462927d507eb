"""Presets: the same options from a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tutelage.algorithms import ALGORITHMS
from tutelage.commands import rl
from tutelage.commands.options import options_of, options_text, parse
from tutelage.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Training:
    epochs: float = 2.0
    batch: int = 32


@dataclass(frozen=True, kw_only=True)
class Options:
    model: Path
    from_: Path | None = None
    corpus: tuple[Path, ...] = ()
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        if self.training.epochs < 0:
            raise ValueError("epochs must not be negative")


def read(tmp_path: Path, text: str, *argv: str) -> Options:
    path = tmp_path / "preset.toml"
    path.write_text(text)
    return parse(Options, "sft", "Do it.", ["--config", str(path), *argv])


def test_preset_gives_defaults_and_the_command_line_wins(tmp_path: Path) -> None:
    text = '[sft]\nepochs = 3\nbatch = 8\ncorpus = ["a", "b"]\nfrom = "x"\n'
    options = read(tmp_path, text, "--model", "m", "--batch", "9")
    assert options == Options(
        model=Path("m"),
        from_=Path("x"),
        corpus=(Path("a"), Path("b")),
        training=Training(epochs=3.0, batch=9),
    )


def test_preset_may_give_what_is_required(tmp_path: Path) -> None:
    assert read(tmp_path, '[sft]\nmodel = "m"\n').model == Path("m")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sft]\nepoch = 3\n", "unknown key 'epoch'; known keys are batch, corpus, epochs"),
        ("[stf]\nepochs = 3\n", "unknown table [stf]; expected [sft]"),
        ("", "expected a table [sft], found none"),
        ('[sft]\nepochs = "x"\n', "expected float, got 'x'"),
        ("[sft\n", "is not TOML"),
    ],
)
def test_bad_preset_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, "--model", "m")
    assert said in str(caught.value)
    assert "preset.toml" in str(caught.value)


def test_checks_of_a_preset_run_once_all_is_known(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="epochs must not be negative"):
        read(tmp_path, "[sft]\nepochs = -1\n", "--model", "m")
    assert read(tmp_path, "[sft]\nepochs = -1\n", "--model", "m", "--epochs", "1")


def test_a_written_record_is_a_preset(tmp_path: Path) -> None:
    options = Options(model=Path("m"), from_=Path("x"), training=Training(epochs=5.0))
    text = options_text("sft", options_of(options), {"tutelage": "0", "from": "abc"})
    assert read(tmp_path, text) == options


def test_an_algorithm_s_settings_are_options_on_language(tmp_path: Path):
    words = ["--model", "m", "--reward", "r", "--prompts", "p", "--run", str(tmp_path)]
    given = ["--kl-target", "4", "--kl-horizon", "500", "--epochs", "3", "--lambda", "0.9"]
    options = parse(rl.options_class("ppo"), "rl", rl.ABOUT, [*words, *given])
    assert (options.settings.kl_target, options.settings.kl_horizon) == (4.0, 500.0)
    assert (options.settings.epochs, options.settings.lambda_) == (3, 0.9)
    defaults = parse(rl.options_class("a2c"), "rl", rl.ABOUT, words).settings
    assert vars(defaults) == vars(ALGORITHMS["a2c"].settings(**ALGORITHMS["a2c"].language))
    with pytest.raises(BadInput, match="no option --baseline"):  # its name says it
        parse(rl.options_class("grpo"), "rl", rl.ABOUT, [*words, "--baseline", "rloo"])
    with pytest.raises(BadInput, match="clip_range must lie in"):
        parse(rl.options_class("ppo"), "rl", rl.ABOUT, [*words, "--clip-range", "2"])

"""A command's options: a frozen dataclass, read from the command line and from a preset.

A nested dataclass gives its fields as options of the same level, so that `tutelage sft --epochs 3`
sets what `SFTConfig.epochs` says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import inspect
import io
import json
import keyword
import re
import textwrap
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import tyro

from tutelage.config import from_table, read_toml, to_toml
from tutelage.errors import BadInput
from tutelage.wording import listing

T = TypeVar("T")
RECORD = "made"  # the table of a written record that says of what it was made
_STYLE = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def peek(argv: Sequence[str], command: str, name: str) -> Any:
    """One option's value before the others can be read, from argv or else from the preset; None
    where it is not given. Some options decide which others there are."""
    rest, preset = _take_preset(list(argv))
    value = None
    for place, word in enumerate(rest):
        if word == f"--{name}":
            value = rest[place + 1] if place + 1 < len(rest) else ""
        elif word.startswith(f"--{name}="):
            value = word.partition("=")[2]
    if value is None and preset is not None:
        table = read_toml(preset).get(command)
        return table.get(name) if isinstance(table, dict) else None
    return value


def parse(
    kind: type[T], command: str, about: str, argv: Sequence[str], *, help_words: str = ""
) -> T:
    """The options in argv, over those of `--config FILE`; a mistake is one sentence.

    help_words: what stands before --help to see these options, where that takes more words."""
    rest, preset = _take_preset(list(argv))
    default = read_preset(kind, command, preset) if preset else None
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            options: Any = tyro.cli(
                kind,
                prog=f"tutelage {command}",
                description=_description(command, about),
                args=rest,
                default=default,
                config=_STYLE,
            )
            return typing.cast(T, options)
    except SystemExit as ended:
        if not ended.code:
            print(_quiet(out.getvalue()), end="")
            raise
        raise BadInput(
            one_sentence(err.getvalue(), command, list(_leaves(kind)), help_words)
        ) from None


def _description(command: str, about: str) -> str:
    summary, _, rest = about.strip().partition("\n\n")
    # Indented, because tyro joins lines that begin with a letter and lets them run over the edge.
    summary = textwrap.fill(
        " ".join(summary.split()), 78, initial_indent="  ", subsequent_indent="  "
    )
    preset = f"--config FILE.toml gives the same options from the file's table [{command}]."
    return f"{summary}\n\n{rest}\n\nPresets\n  {preset}"


def _quiet(help_text: str) -> str:
    """Help without defaults that say nothing."""
    plain = re.sub(r"(?m)\s*\(default:\s*(None)?\)[ ]*$", "", _ESCAPES.sub("", help_text))
    return re.sub(r"(?m)[ ]+$", "", plain).rstrip("\n") + "\n"


def _take_preset(argv: list[str]) -> tuple[list[str], Path | None]:
    """argv without `--config FILE`, and that file."""
    for place, word in enumerate(argv):
        if word.startswith("--config="):
            return argv[:place] + argv[place + 1 :], Path(word.removeprefix("--config="))
        if word == "--config":
            if place + 1 == len(argv):
                raise BadInput("--config needs the name of a TOML file.")
            return argv[:place] + argv[place + 2 :], Path(argv[place + 1])
    return argv, None


def read_preset(kind: type[T], command: str, path: Path) -> T:
    """A default for every option that the file gives; the required rest stays missing."""
    tables = read_toml(path)
    unknown = sorted(set(tables) - {command, RECORD})
    if unknown:
        raise BadInput(f"{path}: unknown table [{unknown[0]}]; expected [{command}].")
    if command not in tables:
        raise BadInput(f"{path}: expected a table [{command}], found none.")
    hints = {name: hint for name, (hint, _) in _leaves(kind).items()}
    # Nothing is required of a preset, so it is read as a dataclass in which all may be absent.
    fields = [(_field(name), hint, dataclasses.field(default=None)) for name, hint in hints.items()]
    where = f"{path}, [{command}]"
    loose: type[Any] = dataclasses.make_dataclass("Preset", fields)
    given: Any = from_table(
        loose, {_field(name): value for name, value in tables[command].items()}, where
    )
    values = {name: getattr(given, _field(name)) for name in tables[command]}
    return typing.cast(T, _default(kind, values))


def _leaves(kind: type) -> dict[str, tuple[Any, dataclasses.Field[Any]]]:
    """Every option of the dataclass, nested ones included: its name, type and field."""
    hints = typing.get_type_hints(kind)
    leaves: dict[str, tuple[Any, dataclasses.Field[Any]]] = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            leaves |= _leaves(typing.cast(type, hint))
        else:
            leaves[field.name.removesuffix("_")] = (hint, field)
    return leaves


def _default(kind: type, values: dict[str, Any]) -> object:
    """An instance with these values, not yet checked: what is required may be missing in it."""
    hints = typing.get_type_hints(kind)
    instance: Any = object.__new__(kind)
    for field in dataclasses.fields(kind):
        value: Any
        if dataclasses.is_dataclass(hints[field.name]):
            made = field.default_factory
            defaults = {} if made is dataclasses.MISSING else options_of(made())
            value = _default(typing.cast(type, hints[field.name]), defaults | values)
        elif field.name.removesuffix("_") in values:
            value = values[field.name.removesuffix("_")]
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            value = tyro.MISSING
        object.__setattr__(instance, field.name, value)
    return instance


def options_of(config: Any) -> dict[str, Any]:
    """Every option's value by the name that the command line and a preset give it."""
    options: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            options |= options_of(value)
        else:
            options[field.name.removesuffix("_")] = value
    return options


def settings_class(defaults: object, hidden: Sequence[str] = ()) -> type:
    """An algorithm's settings as options: these as defaults, the hidden ones out of sight and as
    they are, and the fields' comments as help."""
    kind = type(defaults)
    comments = dict(re.findall(r"(?m)^    (\w+): .*?  # (.*)$", inspect.getsource(kind)))
    annotated: Any = typing.Annotated
    fields = []
    for key, hint in typing.get_type_hints(kind).items():
        name = key.strip("_").replace("_", "-")
        annotation = annotated[hint, tyro.conf.arg(name=name, help=comments.get(key))]
        if key in hidden:
            annotation = annotated[hint, tyro.conf.Suppress, tyro.conf.Fixed]
        fields.append((key, annotation, dataclasses.field(default=getattr(defaults, key))))
    return dataclasses.make_dataclass(
        kind.__name__, fields, bases=(kind,), frozen=True, kw_only=True
    )


def environment_options(text: str) -> dict[str, Any]:
    """The JSON of --env-options as keyword arguments of the environment; ValueError unless it is an
    object."""
    try:
        options = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"env_options must be JSON, got {text}: {error}") from None
    if not isinstance(options, dict):
        raise ValueError(f'env_options must be a JSON object such as {{"name": 1}}, got {text}')
    return options


def options_text(command: str, options: dict[str, Any], made: dict[str, str]) -> str:
    """TOML: a preset of the command, and a table of what the result was made of."""
    tables = {command: _record(options), RECORD: _record(made)}
    return re.sub(r"(?m)^(\w+)_ = ", r"\1 = ", to_toml(tables))


def _record(values: dict[str, Any]) -> object:
    fields = {_field(name): value for name, value in values.items()}
    return dataclasses.make_dataclass("Record", list(fields))(**fields)


def _field(name: str) -> str:
    """The name under which a dataclass can have this option; Python keeps words such as `from`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def one_sentence(box: str, command: str, names: Sequence[str], help_words: str = "") -> str:
    """tyro's error message, a box, as one sentence. names: the options that there are."""
    # Off a terminal the box is a title, and sections under rules, all two columns in.
    sections: list[list[str]] = [[]]
    for line in _ESCAPES.sub("", box).splitlines():
        if line.strip() and not line.strip(" -─"):
            sections.append([])
        else:
            sections[-1].append(line[2:].rstrip())
    sections = sections[1:] or sections
    by_start = {section[0].split(":")[0]: section for section in sections if section}
    see = f"see `{' '.join(f'tutelage {command} {help_words} --help'.split())}`."
    if unknown := by_start.get("Unrecognized options"):
        words = " ".join(unknown).partition(":")[2].replace(",", " ").split()
        word = next((word for word in words if word.startswith("-")), words[0])
        if not word.startswith("-"):
            return f"tutelage {command} does not expect {word!r}; {see}"
        options = ["--" + name.replace("_", "-") for name in names]
        near = difflib.get_close_matches(word, options, n=1)
        suggestion = f", perhaps you meant {near[0]}" if near else ""
        return f"tutelage {command} has no option {word}{suggestion}; {see}"
    if missing := by_start.get(f"Missing from tutelage {command}"):
        needed = [name for name in map(_option, missing[1:]) if name]
        return f"tutelage {command} needs {listing(needed)}; {see}"
    text = " ".join(" ".join(sections[0]).split()).rstrip(".")
    # "Error parsing training: epochs must …": the dataclass that checked it is nobody's concern.
    text = re.sub(r"^Error parsing (\w[\w.]*: )?", "", text)
    choice = re.match(
        r"invalid choice (.*) for argument '(.*)'\. Expected one of \((.*?),?\)", text
    )
    if choice:
        text = f"{choice[2]}: expected {choice[3]}, got {choice[1]}"
    return f"{text}; {see}"


def _option(line: str) -> str:
    """The option that a help line names, or nothing for a line that explains."""
    return line.strip() if re.match(r" {4}\S", line) else ""

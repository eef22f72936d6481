"""YAML files that know their line numbers, so that an error can name the place."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from gaia_config.errors import ConfigurationError

type Place = Sequence[str | int]


class Document:
    """
    A YAML file: its plain value, and where each key stands.

    Attributes
    ----------
    file : Path
        Where it was read.
    value : object
        Mappings, lists, texts and numbers.
    """

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise ConfigurationError(f"this is not YAML ({error.problem})", file=file, line=line) from None
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigurationError(f"this is not YAML ({str(error).splitlines()[0]})", file=file) from None
        except RecursionError:
            raise ConfigurationError("this is nested too deeply to be read; write it flat", file=file) from None
        if (line := _loop(self._root)) is not None:
            problem = "an alias (`*`) stands here inside of what it names, which has no end; write the value out"
            raise ConfigurationError(problem, file=file, line=line)
        for place, line in _repeated(self._root):
            raise ConfigurationError("this key stands here twice; keep one", file=file, line=line, key=spell(place))

    @classmethod
    def read(cls, file: Path) -> "Document":
        """
        Read a file.

        Raises
        ------
        ConfigurationError
            It cannot be read, is not YAML, or repeats a key.
        """
        try:
            return cls(file, file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(f"this file cannot be read ({error.strerror})", file=file) from None
        except UnicodeDecodeError:
            raise ConfigurationError("this file is not UTF-8 text", file=file) from None

    def find_line(self, place: Place) -> int | None:
        """Find the line of a key, or of the nearest thing around it that is there."""
        if self._root is None:
            return None
        node, line = self._root, self._root.start_mark.line
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line
        return line + 1

    def fault(self, place: Place, problem: str) -> ConfigurationError:
        """Make the error that says what is wrong at a place."""
        return ConfigurationError(problem, file=self.file, line=self.find_line(place), key=spell(place) or None)


def spell(place: Place) -> str:
    """
    Spell a place as people write it.

    Examples
    --------
    >>> spell(["centres", 1, "delivery"])
    'centres[1].delivery'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _loop(node: yaml.Node | None, around: tuple[yaml.Node, ...] = (), done: set[int] | None = None) -> int | None:
    """Find the line of a thing that holds itself, by an alias; None where there is none. Looks into each thing once."""
    done = set() if done is None else done
    if any(node is each for each in around):
        return int(around[-1].start_mark.line) + 1
    if node is None or id(node) in done:
        return None
    done.add(id(node))
    inside = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
    parts = () if isinstance(node, yaml.ScalarNode) else inside
    return next((line for each in parts if (line := _loop(each, (*around, node), done)) is not None), None)


def _repeated(node: yaml.Node | None, place: tuple[str | int, ...] = ()) -> Iterator[tuple[Place, int]]:
    """Find keys that stand twice in one mapping: YAML keeps the last without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*place, name), key.start_mark.line + 1
            seen.add(name)
            yield from _repeated(value, (*place, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated(value, (*place, index))

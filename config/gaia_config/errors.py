"""What can be wrong with a configuration: always one sentence for the person who can mend it."""

from pathlib import Path


class ConfigurationError(Exception):
    """
    The configuration cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, with which value, and what would be right: a sentence without its full stop.
    file : Path, optional
        The file in which it stands.
    line : int, optional
        The line there, counted from 1.
    key : str, optional
        The key there, as `centres[1].delivery`.
    """

    def __init__(
        self, problem: str, *, file: Path | None = None, line: int | None = None, key: str | None = None
    ) -> None:
        where = [str(file)] if file else []
        where += [f"line {line}"] if line else []
        where += [key] if key else []
        sentence = problem if problem.endswith(("?", ".")) else f"{problem}."
        super().__init__(f"{', '.join(where)}: {sentence}" if where else sentence)
        self.file = file
        self.line = line
        self.key = key

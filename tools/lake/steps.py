"""How what takes long shows how far it is; who shows it, a terminal or a test, is its caller's."""

from collections.abc import Callable
from contextlib import AbstractContextManager

#: Called with each detail of a step's progress.
Say = Callable[[str], None]
#: Shows one step by its title; yields what shows its progress.
Step = Callable[[str], AbstractContextManager[Say]]

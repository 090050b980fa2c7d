"""The values that are kept of a GGUF header, by what they have to be."""

from collections.abc import Mapping
from dataclasses import dataclass

from ds4agent.wire.gguf_bytes import BadHeader, shown

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Facts:
    """The kept values, by what they have to be."""

    values: Mapping[str, Value]

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    def text(self, key: str) -> str:
        found = self.values.get(key, "")
        if not isinstance(found, str):
            raise BadHeader(f"{key} is {found!r}; it has to be a text")
        return found

    def count(self, key: str) -> int | None:
        found = self.values.get(key)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 62:
            raise BadHeader(f"{shown(key)} is {found!r}; it has to be a whole number")
        return found

    def of_architecture(self, name: str) -> int | None:
        return self.count(f"{self.architecture}.{name}")

    def alignment(self) -> int:
        found = self.count("general.alignment")
        if found is None:
            return 32
        if not 8 <= found <= 1 << 24 or found & (found - 1):
            raise BadHeader(f"general.alignment is {found}; it has to be a power of two from 8 to {1 << 24}")
        return found

    def split(self) -> tuple[int, int]:
        """Which shard this is, from 0, and of how many."""
        number, count = self.count("split.no") or 0, self.count("split.count") or 1
        if number >= count:
            raise BadHeader(f"split.no is {number}; with split.count {count} it has to be below")
        return number, count

"""How many examples a property test looks at: so many in a usual run, more in a long one."""

from hypothesis import settings


def examples(n: int) -> int:
    """`n` where the profile says 100, the default."""
    return max(1, n * settings().max_examples // 100)

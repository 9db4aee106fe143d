"""How far a score may be from the truth, given the number of rows."""

from math import sqrt

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson(p: float, n: int) -> tuple[float, float]:
    """The 95 % score interval for a share p of n rows (Wilson 1927).

    >>> low, high = wilson(0.9, 1000)
    >>> round(low, 4), round(high, 4)
    (0.8798, 0.9171)
    """
    if n < 1:
        raise ValueError("An interval needs at least one row.")
    z2 = Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # rounding must not push the end past what a share can be, nor past the share itself
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))

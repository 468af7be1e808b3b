"""Intervals of shares. Pure: no Django, no I/O."""

from __future__ import annotations

from math import sqrt

#: The quantile of the normal distribution that leaves 2.5 % on either side.
Z_95 = 1.959963984540054


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `k` of `n` were seen, from 0 to 1; after E. B. Wilson (1927).

    Unlike the plain one it stays within 0 and 1, and is true for small samples too. Raises ValueError unless
    0 ≤ k ≤ n and n ≥ 1.
    """
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share.")
    share, z2 = k / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)

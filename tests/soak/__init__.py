"""Long runs: months of simulated life under all faults, and kills of everything while work goes on.

`make test` runs the short forms, `make soak` the full ones. `SOAK_SEED=…` repeats a run.
"""

"""Studies of many runs: scaling laws and reports, measured."""

"""The annealed power law fitted to runs: shapes known beforehand, levels from the data."""

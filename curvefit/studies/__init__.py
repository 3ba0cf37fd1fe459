"""Many runs: the store, the batch and its engines, comparisons between methods, scaling laws."""

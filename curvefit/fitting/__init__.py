"""Which law describes the data."""

"""Does the monitor beat patience, and do its probabilities hold? See RESULTS.md."""

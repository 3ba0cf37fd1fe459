"""What the run shows."""

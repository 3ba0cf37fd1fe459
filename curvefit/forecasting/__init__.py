"""What will be observed."""

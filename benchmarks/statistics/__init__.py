"""How often intervals cover, on curves with known truth."""

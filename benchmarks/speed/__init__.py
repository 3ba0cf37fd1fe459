"""How long things take, as ratios to something that is measured beside them."""

"""How often diagnoses are wrong on healthy runs, and how often they find what was planted."""

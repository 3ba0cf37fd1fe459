"""For people: reports and figures."""

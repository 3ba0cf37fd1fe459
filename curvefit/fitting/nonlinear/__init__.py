"""The machinery of general nonlinear least squares: expressions, derivatives, starting values, solvers."""

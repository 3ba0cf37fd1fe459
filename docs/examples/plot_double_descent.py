"""
Double descent and its test
===========================

A law with a bump against the law alone, and the null that correlated noise makes.
"""

import numpy as np

import curvefit as cf

rng = np.random.default_rng(1)
x = np.arange(1.0, 201.0)
loss = 1 + 2 * x**-0.6 + 0.15 * np.exp(-(((x - 80) / 18) ** 2) / 2) + 0.03 * rng.standard_normal(200)
curve = cf.Curve(x, loss, "val_loss")

test = cf.double_descent(curve)
bump = cf.plot_segments(curve, test)

# %%
# The place and width of a bump mean nothing where there is none, so no table holds the p-value: curves without a bump
# are simulated, with the correlation of the residuals, and tested the same way.

null = cf.plot_null(test)

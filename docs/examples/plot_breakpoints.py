"""
Breakpoints with their intervals
================================

Where a curve changes its slope, how sure that is under correlated noise, and the profile behind the interval.
"""

import numpy as np

import curvefit as cf

rng = np.random.default_rng(0)
x = np.arange(1.0, 201.0)
noise = np.zeros(200)
for i in range(1, 200):
    noise[i] = 0.7 * noise[i - 1] + 0.02 * rng.standard_normal()
loss = np.where(x < 60, 2.2 - 0.012 * x, np.where(x < 140, 1.48 - 0.004 * (x - 60), 1.16)) + noise
curve = cf.Curve(x, loss, "val_loss")

fit = cf.segment(curve, 2)
segments = cf.plot_segments(curve, fit)

# %%
# The bars at the bottom are 95 % intervals of the breakpoints, whose true places are 60 and 140. They come from the
# profile: the best residual sum of squares with the breakpoint held at each place, and the limit that allows for the
# correlation of neighboring points.

profile = cf.plot_profile(fit, 2)

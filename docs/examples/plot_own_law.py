"""
Two laws, one curve
===================

How much does the forecast of a law depend on which law it is? The fit says how sure it is *given* the law; the choice
of the law is a doubt of its own.
"""

import matplotlib.pyplot as plt
import numpy as np

import curvefit as cf

curve = cf.load_example("noisy_accuracy")["val_loss"]
x = np.linspace(curve.x[0], 3 * curve.x[-1], 300)
fig, ax = plt.subplots(layout="constrained")
ax.plot(curve.x, curve.y, ".", color="0.7", label="observed")
for color, name in zip(("C0", "C1"), ("mmf", "exponential"), strict=True):
    there = cf.fit(curve, name).predict(x, interval="confidence")
    ax.plot(x, there.mean, color=color, label=name)
    ax.fill_between(x, there.low, there.high, color=color, alpha=0.25)
ax.set(xlabel=curve.x_unit, ylabel="val_loss", ylim=(0.65, 1.0))
ax.legend(frameon=False)

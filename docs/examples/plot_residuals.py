"""
Residuals
=========

Is the law the curve's? Then what is left is noise: no trend, no memory beyond what the intervals account for.
"""

import curvefit as cf

run = cf.load_example("noisy_accuracy")
report = cf.analyze(run, "val_loss")
ax = report.plot(kind="residuals")

# %%
# A fit lists every reason to doubt it.

for doubt in report.fit.doubts:
    print(f"{'ok ' if doubt.ok else 'NOT'} {doubt.name}: {doubt.message}")

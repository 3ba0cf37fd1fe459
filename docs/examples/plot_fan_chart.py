"""
The fan chart
=============

What was observed, the law that describes it, and where new observations will lie.
"""

import curvefit as cf

run = cf.load_example("noisy_accuracy")
report = cf.analyze(run, "val_loss")
ax = report.plot()

# %%
# The blue bands hold 50, 80 and 95 % of new observations up to the horizon; they contain the noise of one observation.
# The black line is the law fitted to the past, where one was found. The diamond marks the best point so far, taken on
# a local mean and never on a single lucky value.

value = report.estimates["value_at"]
print(f"{value.value:.3f} [{value.interval.low:.3f}, {value.interval.high:.3f}]", value.interval.kind)

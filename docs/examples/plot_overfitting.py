"""
A run that overfits
===================

Validation turns for the worse while training goes on improving.
"""

import curvefit as cf

run = cf.load_example("overfitting")
report = cf.analyze(run, "val_loss")
ax = report.plot()

# %%

for finding in report.diagnoses.present:
    print(f"{finding.name}: {finding.explanation}")
print(report.recommendation.action.value, report.recommendation.keep_x)

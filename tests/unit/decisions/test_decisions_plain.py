"""A recommendation goes through plain values and back; what was changed in between is refused."""

from __future__ import annotations

import json

import pytest

from curvefit.curves import Estimate, Interval, UsageError
from curvefit.decisions._plain import from_plain, to_plain
from curvefit.decisions.recommendation import Action, Recommendation


def answer() -> Recommendation:
    value = Estimate("value_at", 0.5, Interval(0.4, 0.6, 0.95, "prediction", "pooled"), "nat")
    return Recommendation(
        Action.STOP, "val_loss", None, value, 40.0, 0.01, 0.001, 0.01, 80.0, ("little is left",), {"a": 1.0}
    )


def test_a_recommendation_comes_back_as_it_was():
    before = answer()
    after = from_plain(json.loads(json.dumps(to_plain(before))))
    assert to_plain(after) == to_plain(before)
    assert after.expected_value == before.expected_value and after.action is Action.STOP


@pytest.mark.parametrize("kind", ["guess", "", None, 3])
def test_an_interval_of_no_known_kind_is_refused(kind):
    state = to_plain(answer())
    state["expected_value"][6] = kind
    with pytest.raises(UsageError, match="no saved recommendation"):
        from_plain(state)

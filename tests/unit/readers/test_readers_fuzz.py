"""Damaged binary files: no crash, no value that was not in the file, every loss said."""

from __future__ import annotations

import pytest

from benchmarks.robustness.damage import CHECKED, SAMPLES, fuzz, judge, points_of

every_format = pytest.mark.parametrize("format", SAMPLES)


def check(format: str, *, flips: int, every: int) -> None:
    size, cuts, bits = fuzz(format, flips=flips, every=every)
    assert cuts.kinds.total() == -(-size // every) and bits.kinds.total() == flips
    for outcome in (cuts, bits):
        assert not {k for k in outcome.kinds if k.startswith("crashed")}, outcome.examples
        assert not outcome.kinds["silent"], outcome.examples
        if format in CHECKED:
            assert not outcome.kinds["changed"], outcome.examples
        assert outcome.slowest < 5, "CPU seconds"
    assert not cuts.kinds["changed"] and not cuts.kinds["renamed"], "a cut invents nothing, checksums or not"
    assert bits.kinds["part"] + bits.kinds["refused"] + bits.kinds["changed"] > 0.1 * flips, "the damage is seen"


@every_format
def test_a_sample_of_cuts_and_flipped_bits(format):
    check(format, flips=60, every=61)


@pytest.mark.slow
@every_format
def test_every_cut_and_two_thousand_flipped_bits(format):
    check(format, flips=2000, every=1)


def test_the_check_sees_what_it_looks_for(tmp_path, monkeypatch):
    """Negative control: a reader that invents, loses or crashes is found out."""
    import curvefit as cf

    name, make = SAMPLES["event file"]
    path = tmp_path / name
    path.write_bytes(make()[0])
    (run,) = runs = cf.read(path)
    whole = points_of(runs)
    assert judge(path, whole, boundary=False) == "same"
    assert judge(path, whole | {("loss", 99.0, 1.0)}, boundary=False) == "silent"
    assert judge(path, whole - {next(iter(whole))}, boundary=False) in ("changed", "renamed")
    assert judge(path, {("other", x, y) for _, x, y in whole}, boundary=False) == "renamed"

    def broken(_):
        raise KeyError(run)

    monkeypatch.setattr(cf, "read", broken)
    assert judge(path, whole, boundary=False) == "crashed: KeyError"


@pytest.mark.parametrize(("format", "bit"), [("Parquet", 10407), (".npz", 7983)])
def test_damage_that_was_once_not_seen(tmp_path, format, bit):
    """A column's name that is no text any more; a directory that hides a member."""
    name, make = SAMPLES[format]
    data = bytearray(make()[0])
    data[bit // 8] ^= 1 << bit % 8
    path = tmp_path / name
    path.write_bytes(data)
    assert judge(path, set(), boundary=False) == "refused"

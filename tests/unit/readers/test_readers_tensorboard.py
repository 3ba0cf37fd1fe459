"""TensorBoard event files: what a small writer of our own wrote is read back, and damage costs only what it hit."""

from __future__ import annotations

import gzip
import io
import math
import struct

import numpy as np
import pytest
from event_files import crc32c, event, masked, number, part, record, scalars, simple, tensor, varint, version

import curvefit as cf
from curvefit.readers import Options, registry
from curvefit.readers._crc32c import crc32c as short_crc
from curvefit.readers._crc32c import crcs
from curvefit.readers._events import EventDecoder
from curvefit.readers._source import Source
from curvefit.readers._tfrecord import Scanner
from curvefit.readers.read import read_all

NAME = "events.out.tfevents.1700000000.host.1.0"


def read_bytes(data: bytes) -> list[cf.Run]:
    source = Source(io.BytesIO(data), where="memory", path=None, size=len(data), options=Options(), name="memory")
    return registry["tensorboard"].read(source)


def points(run: cf.Run, name: str) -> list[tuple[float, float]]:
    curve = run[name]
    return list(zip(curve.x.tolist(), curve.y.tolist(), strict=True))


# ------------------------------------------------------------------ checksums


def test_the_checksum_is_the_published_one():
    assert short_crc(b"123456789") == 0xE3069283  # RFC 3720, B.4 gives the polynomial; this is its check value
    assert crc32c(b"123456789") == 0xE3069283


def test_checksums_of_many_stretches_agree_with_the_definition():
    rng = np.random.default_rng(5)
    data = b"head" + rng.bytes(14_000)
    starts = rng.integers(4, 2000, 60)
    lengths = np.r_[0, 1, 2, 3, 4, 5, 4095, 4096, 4097, 8192, 12_001, rng.integers(0, 200, 49)]
    got = crcs(np.frombuffer(data, np.uint8), starts, lengths)
    assert got.tolist() == [crc32c(data[s : s + n]) for s, n in zip(starts.tolist(), lengths.tolist(), strict=True)]


# ------------------------------------------------------------------ values


def test_values_steps_and_times_are_read_exactly(log):
    steps = [0, 1, 127, 128, 16_383, 16_384, 2**21, 2**28, 2**31, 2**35, 2**42, 2**52]
    values = [0.0, -0.0, 1.5, 3.4e38, 1e-45, math.nan, math.inf, -math.inf, 0.1, -2.5, 7.0, 8.0]
    (run,) = cf.read(log(version() + scalars("loss", zip(steps, values, strict=True)), NAME))
    curve = run["loss"]
    stored = np.array(values, np.float32).astype(float)
    finite = np.isfinite(stored)
    assert curve.x.tolist() == [s for s, f in zip(steps, finite, strict=True) if f]
    assert np.array_equal(curve.y, stored[finite]) and math.copysign(1, curve.y[1]) == -1
    assert curve.nonfinite_x.tolist() == [2**21 - 0.0 if s == 2**21 else s for s in np.array(steps)[~finite]]
    clock = run["wall_time"]
    assert clock.x.tolist() == steps and clock.y.tolist() == [1.7e9 + i for i in range(12)]
    assert clock.metric.auxiliary and run.main_metric() == "loss"
    p = run.provenance
    assert (p.rows_in, p.rows_kept, p.points_in, p.points_kept) == (12, 12, 24, 24)


@pytest.mark.parametrize("seed", range(6))
def test_any_mixture_of_records_is_read_as_one_by_one(seed, log):
    rng = np.random.default_rng(seed)
    tags = [f"{'abcdefgh'[i % 8]}/{'x' * (i % 3)}loss{i}" for i in range(12)]
    expected: dict[str, dict[int, float]] = {t: {} for t in tags}
    data, wall, step = version(), 1.7e9, 0
    for _ in range(400):
        step += int(rng.integers(1, 9)) ** 3
        wall += float(rng.random())
        chosen = rng.choice(12, size=int(rng.integers(1, 4)), replace=False) if seed % 2 else [int(rng.integers(12))]
        parts = []
        for k in chosen:
            value = float(np.float32(rng.normal()))
            expected[tags[k]][step] = value
            form = k % 3
            if form == 0:
                parts.append(simple(tags[k], value))
            elif form == 1:
                parts.append(tensor(tags[k], number(1, 1) + part(2, b"") + part(4, struct.pack("<f", value))))
            else:
                parts.append(tensor(tags[k], number(1, 1) + part(2, b"") + part(5, struct.pack("<f", value))))
        if rng.random() < 0.2:
            parts.append(
                part(1, b"weights") + part(5, rng.bytes(int(rng.integers(0, 40)) * 8) and b"\x09" + rng.bytes(8))
            )
        data += event(step, wall, *parts)
    (run,) = cf.read(log(data, NAME))
    for tag in tags:
        assert points(run, tag) == sorted(expected[tag].items())
    first = list(dict.fromkeys(t for t in run if t != "wall_time"))
    assert set(first) == set(tags)
    assert any("'weights'" in n for n in run.provenance.notes)


def half(value: float) -> int:
    return int(np.float16(value).view(np.uint16))


def bfloat(value: float) -> int:
    return int(np.float32(value).view(np.uint32) >> 16)


TENSORS = {
    "float, content": (1, part(4, struct.pack("<f", 0.1)), float(np.float32(0.1))),
    "float, packed": (1, part(5, struct.pack("<f", 0.1)), float(np.float32(0.1))),
    "float, not packed": (1, varint(5 << 3 | 5) + struct.pack("<f", 2.5), 2.5),
    "double, content": (2, part(4, struct.pack("<d", 0.1)), 0.1),
    "double, packed": (2, part(6, struct.pack("<d", 0.1)), 0.1),
    "double, not packed": (2, varint(6 << 3 | 1) + struct.pack("<d", -0.1), -0.1),
    "int32, content": (3, part(4, struct.pack("<i", -7)), -7.0),
    "int32, list": (3, part(7, varint(-7)), -7.0),
    "uint8": (4, part(4, b"\xc8"), 200.0),
    "int16": (5, part(4, struct.pack("<h", -300)), -300.0),
    "int8": (6, part(4, b"\xff"), -1.0),
    "int64, content": (9, part(4, struct.pack("<q", -(2**40))), -(2.0**40)),
    "int64, list": (9, part(10, varint(2**40)), 2.0**40),
    "int64, single": (9, number(10, 77), 77.0),
    "bool": (10, part(11, b"\x01"), 1.0),
    "bfloat16, content": (14, part(4, struct.pack("<H", bfloat(1.5))), 1.5),
    "bfloat16, list": (14, part(13, varint(bfloat(-3.0))), -3.0),
    "uint16": (17, part(4, struct.pack("<H", 65_000)), 65_000.0),
    "half, content": (19, part(4, struct.pack("<H", half(0.1))), float(np.float16(0.1))),
    "half, list": (19, part(13, varint(half(0.1))), float(np.float16(0.1))),
    "uint32": (22, part(16, varint(2**32 - 1)), 2.0**32 - 1),
    "uint64": (23, part(17, varint(2**63)), 2.0**63),
}


@pytest.mark.parametrize("case", TENSORS)
@pytest.mark.parametrize("count", [2, 40], ids=["one by one", "many at once"])
def test_a_number_is_read_from_a_tensor_of_every_type(case, count):
    kind, content, expected = TENSORS[case]
    message = number(1, kind) + part(2, b"") + content
    data = version() + b"".join(event(s, 1.7e9 + s, tensor("loss", message)) for s in range(1, count + 1))
    (run,) = read_bytes(data)
    assert points(run, "loss") == [(float(s), expected) for s in range(1, count + 1)]


@pytest.mark.parametrize(
    "message",
    [
        number(1, 1) + part(2, part(2, number(1, 2))) + part(4, struct.pack("<2f", 1, 2)),  # two numbers
        number(1, 7) + part(2, b"") + part(8, b"text"),
        number(1, 1) + part(2, b"") + part(4, b"\0\0"),  # too short
        number(1, 1) + part(2, b""),  # no value
        number(1, 3) + part(2, b"") + part(5, struct.pack("<f", 1)),  # a float in an integer tensor
        number(1, 99) + part(2, b"") + part(4, b"\0\0\0\0"),
    ],
)
def test_other_tensors_are_named_and_not_read(message):
    data = version() + scalars("loss", [(1, 2.0), (2, 1.0)]) + event(3, 1.7e9, tensor("other", message))
    (run,) = read_bytes(data)
    assert list(run) == ["loss", "wall_time"]
    assert any("'other'" in n for n in run.provenance.notes)


def test_a_tag_with_scalars_and_histograms_is_its_scalars_and_hparams_are_ignored():
    histogram = part(1, b"loss") + part(5, b"\x09" + bytes(8))
    hparams = tensor("_hparams_/session_start_info", number(1, 1) + part(2, b"") + part(4, bytes(4)), "hparams")
    data = version() + event(0, 1.7e9, hparams)
    for s in range(1, 30):
        data += event(s, 1.7e9 + s, simple("loss", 1 / s)) + event(s, 1.7e9 + s, histogram)
    (run,) = read_bytes(data)
    assert list(run) == ["loss", "wall_time"] and len(run["loss"]) == 29
    assert not any("hparams" in n for n in run.provenance.notes)


def test_values_that_all_have_the_same_step_are_numbered():
    data = version() + b"".join(event(0, 1.7e9 + i, simple("loss", 3.0 - i)) for i in range(3))
    (run,) = read_bytes(data)
    assert points(run, "loss") == [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]
    assert any("same step" in n for n in run.provenance.notes)


def test_x_may_be_the_time_or_the_row(log):
    path = log(version() + scalars("loss", [(10, 3.0), (20, 2.0)], wall=1e9), NAME)
    (run,) = cf.read(path, x="wall_time")
    assert points(run, "loss") == [(0.0, 3.0), (1.0, 2.0)] and run["loss"].x_unit == "second"
    assert points(cf.read(path, x="row")[0], "loss") == [(1.0, 3.0), (2.0, 2.0)]
    with pytest.raises(cf.curves.UsageError, match="epoch"):
        cf.read(path, x="epoch")


# ------------------------------------------------------------------ several files


def test_files_of_a_folder_are_one_run_in_the_order_they_were_begun(log, tmp_path):
    log(version() + scalars("loss", [(6, 1.0), (7, 0.5)], wall=1.8e9), "run/events.out.tfevents.1.a")
    log(version() + scalars("loss", [(1, 3.0), (2, 2.0)], wall=1.7e9), "run/events.out.tfevents.2.b")
    log(version(), "run/events.out.tfevents.3.c")
    (run,) = cf.read(tmp_path)
    assert run.name == "run"
    assert points(run, "loss") == [(1.0, 3.0), (2.0, 2.0), (6.0, 1.0), (7.0, 0.5)]
    assert "3 event files" in run.provenance.notes and not run.provenance.rows_dropped
    assert cf.read(tmp_path / "run")[0].name == "run"


def test_T11_a_second_writer_supersedes_what_it_logs_again(log, tmp_path):
    log(version() + scalars("loss", [(s, float(s)) for s in range(1, 10)]), "events.out.tfevents.1.a")
    again = [(s, s + 0.5) for s in range(6, 13)]
    log(version() + scalars("loss", again, wall=1.8e9), "events.out.tfevents.2.b")
    (run,) = cf.read(tmp_path)
    assert points(run, "loss") == [(float(s), float(s)) for s in range(1, 6)] + [(float(s), v) for s, v in again]
    assert run.provenance.rows_dropped == {"superseded by a later segment": 4}
    assert run.provenance.restarts == (6.0,)
    assert len(cf.read(tmp_path, resume="keep")[0]["loss"]) == 16


def test_a_purge_removes_every_tag_from_its_step_on(log, tmp_path):
    first = version() + scalars("loss", [(s, float(s)) for s in range(1, 10)])
    first += scalars("val_loss", [(4, 4.0), (8, 8.0)], wall=1.7e9 + 20)
    log(first, "events.out.tfevents.1.a")
    log(version() + event(6, 1.8e9, restart=True) + scalars("loss", [(7, 70.0)], wall=1.8e9), "events.out.tfevents.2.b")
    (run,) = cf.read(tmp_path)
    assert points(run, "loss") == [(float(s), float(s)) for s in range(1, 6)] + [(7.0, 70.0)]
    assert points(run, "val_loss") == [(4.0, 4.0)], "though it was not logged again"
    assert run.provenance.rows_dropped == {"purged by a restart": 5}
    assert run.provenance.rows_in == 12
    kept = cf.read(tmp_path, resume="keep")[0]
    assert len(kept["val_loss"]) == 2


def test_subfolders_named_after_a_part_of_the_data_belong_to_the_run(log, tmp_path):
    for split, loss in (("train", 2.0), ("validation", 3.0)):
        log(version() + scalars("epoch_loss", [(0, loss), (1, loss / 2)]), f"logs/{split}/{NAME}")
    log(version() + scalars("loss", [(1, 1.0), (2, 0.5)]), f"logs/other/{NAME}")
    runs = cf.read(tmp_path)
    assert [r.name for r in runs] == ["logs", "logs/other"]
    assert [n for n in runs[0] if n != "wall_time"] == ["train/epoch_loss", "validation/epoch_loss"]
    assert runs[0].main_metric() == "validation/epoch_loss"


def test_T12_writers_at_the_same_time_are_kept_apart(log, tmp_path):
    for host in "ab":
        values = [(s, s + (host == "b") / 2) for s in range(1, 20)]
        log(version() + scalars("loss", values, wall=1.7e9), f"events.out.tfevents.1.{host}")
    runs = cf.read(tmp_path)
    assert [len(r["loss"]) for r in runs] == [19, 19] and runs[0].name != runs[1].name
    assert any("writers" in n for n in runs[0].provenance.notes)


def written(tag: str, wall: float, count: int = 4) -> bytes:
    return b"".join(event(s, wall + s, simple(tag, s)) for s in range(1, count + 1))


def test_T12_files_of_programs_with_nothing_in_common_are_different_runs(log, tmp_path):
    log(written("train/box_loss", 1.7e9), "folder/events.out.tfevents.1700000000.desk.15908.0")
    log(written("accuracy", 1.6e9), "folder/events.out.tfevents.1600000000.tpu-w-29.77.0.v2")
    log(written("accuracy", 1.65e9), "folder/events.out.tfevents.1650000000.tpu-w-8.99.0.v2")
    runs = cf.read(tmp_path / "folder")
    assert [(r.name, list(r.curves)) for r in runs] == [
        ("folder (1)", ["accuracy", "wall_time"]),
        ("folder (2)", ["train/box_loss", "wall_time"]),
    ]
    assert any("2 programs wrote into this folder" in n for n in runs[0].provenance.notes)


@pytest.mark.parametrize(
    ("second", "later", "count"),
    [
        ("events.out.tfevents.1700009000.desk.15908.1", 9e8, 1),  # the same process, whenever
        ("events.out.tfevents.1700009000.desk.4711.0", 9000.0, 1),  # the same machine, hours later
        ("events.out.tfevents.1700009000.desk.4711.0", 2e5, 2),  # the same machine, days later
        ("events.out.tfevents.1700000002.other.1.0", 2.0, 1),  # another machine, at the same time
        ("events.out.tfevents.1700009000.other.1.0", 9000.0, 2),  # another machine, later
        ("events.out.tfevents.1700009000.host.with.dots.desk.15908.0.suffix", 9000.0, 2),
    ],
)
def test_T12_what_makes_files_with_different_tags_one_run(log, tmp_path, second, later, count):
    log(written("loss", 1.7e9), "folder/events.out.tfevents.1700000000.desk.15908.0")
    log(written("eval/loss", 1.7e9 + later), f"folder/{second}")
    runs = cf.read(tmp_path / "folder")
    assert len(runs) == count
    assert {n for r in runs for n in r.curves} == {"loss", "eval/loss", "wall_time"}


def test_one_unreadable_file_of_a_run_is_noted(log, tmp_path):
    log(version() + scalars("loss", [(1, 3.0), (2, 2.0)]), "events.out.tfevents.1.a")
    log(b"not an event file at all, though it is called like one", "events.out.tfevents.2.b")
    (run,) = cf.read(tmp_path)
    assert len(run["loss"]) == 2 and any("passed over" in n for n in run.provenance.notes)


# ------------------------------------------------------------------ damage

SAMPLE = version() + b"".join(
    scalars(tag, [(s, 1 / (s + k)) for s in range(1, 6)]) for k, tag in enumerate(["loss", "acc"], 1)
)
LOGGED = {("loss", s, float(np.float32(1 / (s + 1)))) for s in range(1, 6)} | {
    ("acc", s, float(np.float32(1 / (s + 2)))) for s in range(1, 6)
}


def found_in(data: bytes) -> tuple[set, list[cf.Run]]:
    try:
        runs = read_bytes(data)
    except cf.CurvefitError:
        return set(), []
    return {(n, *p) for r in runs for n in r if n != "wall_time" for p in points(r, n)}, runs


def decoded(data: bytes) -> tuple[set, int]:
    """Scalars without making runs of them, and how many losses were counted."""
    scanner, decoder = Scanner(), EventDecoder()
    s = decoder.decode(scanner.feed(data, final=True))
    names = [decoder.tags[t] for t in s.tag]
    lost = scanner.damaged + len(scanner.stretches) + decoder.broken + (scanner.pending > 0)
    return set(zip(names, s.step.tolist(), s.value.tolist(), strict=True)), lost


def test_a_file_cut_anywhere_gives_what_is_whole():
    at, ends = 0, []
    while at < len(SAMPLE):
        at += 16 + struct.unpack_from("<Q", SAMPLE, at)[0]
        ends.append(at)
    for cut in range(len(SAMPLE)):
        got, lost = decoded(SAMPLE[:cut])
        assert got <= LOGGED
        assert len(got) == max(0, sum(e <= cut for e in ends) - 1), cut
        assert lost == (cut not in ends and cut > 0)
        if cut % 17 == 0:
            again, runs = found_in(SAMPLE[:cut])
            assert again == got
            if runs and lost:
                assert runs[0].provenance.rows_dropped == {"record cut at the end of the file": 1}


def test_random_bit_flips_lose_at_most_what_they_hit_and_count_it():
    rng = np.random.default_rng(11)
    for trial in range(2000):
        data = bytearray(SAMPLE)
        bit = int(rng.integers(8 * len(data)))
        data[bit // 8] ^= 1 << bit % 8
        got, lost = decoded(bytes(data))
        assert got <= LOGGED, "a value that was never logged"
        assert len(got) >= 9, "one record is hit, never more"
        assert lost == 1, "every loss is counted"
        if trial % 40 == 0:
            again, runs = found_in(bytes(data))
            assert again == got
            assert sum(r.provenance.rows_in - r.provenance.rows_kept for r in runs) == 1


def test_many_bit_flips_never_invent_a_value():
    rng = np.random.default_rng(12)
    for _ in range(150):
        data = bytearray(SAMPLE)
        for bit in rng.integers(8 * len(data), size=12).tolist():
            data[bit // 8] ^= 1 << bit % 8
        assert decoded(bytes(data))[0] <= LOGGED


def test_T01_a_damaged_record_is_skipped_and_the_rest_is_read():
    bad = bytearray(scalars("loss", [(2, 2.0)]))
    bad[-6] ^= 1
    data = version() + scalars("loss", [(1, 3.0)]) + bytes(bad) + scalars("loss", [(s, 1.0) for s in range(3, 7)])
    (run,) = read_bytes(data)
    assert run["loss"].x.tolist() == [1, 3, 4, 5, 6]
    assert run.provenance.rows_dropped == {"damaged record": 1}


@pytest.mark.parametrize("junk", [b"x" * 7, bytes(4096), b"\xff" * 99])
def test_T02_T05_after_a_damaged_stretch_the_next_record_is_found(junk):
    data = version() + scalars("loss", [(1, 3.0)]) + junk + scalars("loss", [(2, 2.0), (3, 1.0)])
    (run,) = read_bytes(data)
    assert run["loss"].x.tolist() == [1, 2, 3]
    assert run.provenance.rows_dropped == {"damaged stretch": 1}
    assert any(f"{len(junk)} bytes from byte" in n for n in run.provenance.notes)
    (tail,) = read_bytes(version() + scalars("loss", [(1, 3.0), (2, 2.0)]) + junk)
    assert tail["loss"].x.tolist() == [1, 2] and sum(tail.provenance.rows_dropped.values()) == 1


@pytest.mark.parametrize("length", [2**62, 2**64 - 1, 2**40, 65 * 2**20, 5000])
def test_T04_a_huge_length_is_never_allocated(length):
    size = struct.pack("<Q", length)
    data = version() + scalars("loss", [(1, 3.0), (2, 2.0)]) + size + masked(size) + b"abc"
    data += scalars("loss", [(3, 1.0)])
    (run,) = read_bytes(data)
    assert run["loss"].x.tolist() == [1, 2, 3]


def test_T06_a_sound_record_that_is_no_event_is_counted():
    data = version() + scalars("loss", [(1, 3.0), (2, 2.0)]) + record(b"\xff\xff\xff") + scalars("loss", [(3, 1.0)])
    (run,) = read_bytes(data)
    assert len(run["loss"]) == 3 and run.provenance.rows_dropped == {"no event": 1}


def test_T07_T08_files_without_scalars_say_so(refuse):
    assert "no scalars" in refuse(version(), NAME).what
    assert "histograms" in refuse(version() + event(1, 1.7e9, part(1, b"w") + part(5, b"\x09" + bytes(8))), NAME).what
    assert refuse(b"", NAME).code == "CF-IO-001"
    assert "event file" in refuse(b"\1\2\3nothing", NAME).what


def test_T13_T14_T15_odd_steps_and_times():
    data = version() + scalars("loss", [(2**53 + 1, 2.0), (2**53 + 9, 1.0)], wall=-5.0)
    data += scalars("acc", [(-3, 0.1), (4, 0.2)], wall=math.nan)
    (run,) = read_bytes(data)
    assert run["acc"].x.tolist() == [-3, 4] and len(run["loss"]) == 2
    assert "wall_time" not in run


def test_T16_ten_thousand_tags_are_read_in_reasonable_time():
    data = b"".join(event(s, 1.7e9 + s, *(simple(f"layer{k}/loss", 1.0) for k in range(40))) for s in range(1, 4))
    data += b"".join(event(1, 1.7e9, simple(f"norm/{k:04d}", 1.0)) for k in range(500))
    (run,) = read_bytes(version() + data)
    assert len(run) == 541


def test_T17_a_gzip_stream_is_read_and_a_cut_one_too(log):
    whole = gzip.compress(SAMPLE)
    assert len(cf.read(log(whole, NAME))[0]["loss"]) == 5
    (run,) = cf.read(log(whole[:-30], NAME))
    assert any("cut" in n for n in run.provenance.notes)


def test_pieces_of_any_size_give_the_same(monkeypatch):
    expected = found_in(SAMPLE)[0]
    junk = SAMPLE[:100] + b"broken" + SAMPLE[100:]
    whole = found_in(junk)[0]
    for size in (1, 7, 50, 333):
        for data, want in ((SAMPLE, expected), (junk, whole)):
            scanner, decoder = Scanner(), EventDecoder()
            got = set()
            for at in range(0, len(data), size):
                s = decoder.decode(scanner.feed(data[at : at + size], final=at + size >= len(data)))
                names = [decoder.tags[t] for t in s.tag]
                got |= set(zip(names, s.step.tolist(), s.value.tolist(), strict=True))
            assert got == want, size


def test_read_all_counts_what_is_beside_event_files(log, tmp_path):
    log(SAMPLE, f"a/{NAME}")
    log(b"{}", "a/config.json")
    log("step,loss\n1,2\n2,1\n", "a/log.csv")
    result = read_all(tmp_path)
    assert [r.name for r in result.runs] == ["a", "a/log"] and not result.failures


@pytest.mark.shared
def test_real_event_files_hold_what_tensorboard_says(shared):
    # Counts and last values as TensorBoard's EventAccumulator gives them without sampling.
    runs = {p.name[:3]: [] for p in (shared / "curves" / "raw" / "tfevents").iterdir()}
    for path in sorted((shared / "curves" / "raw" / "tfevents").iterdir()):
        runs[path.name[:3]] += cf.read(path)
    (yolo,) = runs["102"]
    assert yolo.provenance.rows_in == 198 and len(yolo) == 20
    big, small = runs["IBM"]
    assert big["accuracy"].y[-1] == float(np.float32(-0.93265647)) and len(big["accuracy"]) == 100
    assert big["timing/evaluate_seconds"].y[-1] == float(np.float32(0.7407248))
    assert small["timing/compilation_seconds"].y.tolist() == [float(np.float32(53.4808))]


@pytest.mark.parametrize("at", [0, 5, 9], ids=["length", "high bytes of the length", "checksum"])
def test_a_file_whose_first_record_is_damaged_is_still_recognized(log, at):
    data = bytearray(version() + scalars("loss", [(i, 1 / (i + 1)) for i in range(20)]))
    data[at] ^= 0x55
    (run,) = cf.read(log(bytes(data), "events.out.tfevents.1.host"))
    assert len(run["loss"]) == 20
    assert run.provenance.rows_dropped == {"damaged stretch": 1}

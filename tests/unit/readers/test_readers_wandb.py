"""W&B's .wandb files, written here chunk by chunk, and what damage does to them."""

from __future__ import annotations

import io
import json
import math
import struct
import zlib

import numpy as np
import pytest
from event_files import number, part

import curvefit as cf
from curvefit.readers import Options, registry
from curvefit.readers._leveldb_log import ChunkLog
from curvefit.readers._source import Source

MAGIC = b":W&B\xe1\xbe\x00"
BLOCK = 32768


def chunks(records: list[bytes]) -> bytes:
    """Records as a log in LevelDB's format, by its specification."""
    out = bytearray(MAGIC)
    for content in records:
        first = True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                left = BLOCK
            piece, content = content[: left - 7], content[left - 7 :]
            kind = (1 if first else 4) if not content else (2 if first else 3)
            crc = zlib.crc32(bytes([kind]) + piece)
            out += struct.pack("<IHB", crc, len(piece), kind) + piece
            first = False
            if not content:
                break
    return bytes(out)


def item(name: str | tuple[str, ...], text: str) -> bytes:
    names = part(1, name.encode()) if isinstance(name, str) else b"".join(part(2, n.encode()) for n in name)
    return part(1, names + part(16, text.encode()))


def row(step: int, *, plain: bool = True, **values) -> bytes:
    items = b"".join(
        item(tuple(k.split(".")) if not plain else k, v if isinstance(v, str) else json.dumps(v))
        for k, v in values.items()
    )
    return number(1, step + 1) + part(2, items + part(2, number(1, step)))


def run_record(**config) -> bytes:
    update = b"".join(part(1, part(1, k.encode()) + part(16, json.dumps(v).encode())) for k, v in config.items())
    return part(17, part(1, b"abc123") + part(4, update) + part(8, b"calm-river-7") + part(22, b"host-of-mine"))


def read_bytes(data: bytes) -> list[cf.Run]:
    source = Source(io.BytesIO(data), where="memory", path=None, size=len(data), options=Options(), name="memory")
    return registry["wandb"].read(source)


def points(run: cf.Run, name: str) -> list[tuple[float, float]]:
    return list(zip(run[name].x.tolist(), run[name].y.tolist(), strict=True))


def test_history_name_and_configuration_are_read(log):
    records = [run_record(lr=0.1, max_steps=500, api_key="hidden", _wandb={"a": 1}, optimizer="adam")]
    records += [row(s, loss=1 / (s + 1), lr=0.1, _runtime=float(s)) for s in range(50)]
    (run,) = cf.read(log(chunks(records), "run-abc123.wandb"))
    assert run.name == "calm-river-7" and run.horizon == 500
    assert dict(run.attributes) == {"run_id": "abc123", "lr": 0.1, "max_steps": 500.0, "optimizer": "adam"}
    assert points(run, "loss") == [(float(s), 1 / (s + 1)) for s in range(50)]
    assert run["loss"].x_unit == "step" and run["_runtime"].metric.auxiliary and run.schedule is not None
    assert run.provenance.rows_in == 50 and not any("host" in str(v) for v in run.attributes.values())


@pytest.mark.parametrize("plain", [True, False], ids=["dotted key", "nested key"])
def test_every_kind_of_value(plain):
    rows = [
        row(0, plain=plain, loss=0.1, **{"val.loss": 1e-7}),
        row(1, plain=plain, loss="NaN", **{"val.loss": "Infinity"}),
        row(2, plain=plain, loss="-Infinity", **{"val.loss": -2}),
        row(3, plain=plain, loss="1e999", note="text"),
        row(4, plain=plain, loss=True, **{"val.loss": None}),
        row(
            5,
            plain=plain,
            loss=0.3,
            picture={"_type": "image-file", "size": 3},
            nested={"acc": 0.5, "deep": {"er": 0.25}},
        ),
    ]
    (run,) = read_bytes(chunks(rows))
    assert points(run, "loss") == [(0.0, 0.1), (5.0, 0.3)]
    assert run["loss"].nonfinite_x.tolist() == [1, 2]
    assert run["loss"].defects == {"too large for a float": 1, "boolean": 1}
    assert points(run, "val.loss") == [(0.0, 1e-7), (2.0, -2.0)] and run["val.loss"].nonfinite_x.tolist() == [1]
    assert points(run, "nested.acc") == [(5.0, 0.5)] and points(run, "nested.deep.er") == [(5.0, 0.25)]
    assert "picture" not in run and any("'picture'" in n for n in run.provenance.notes)


@pytest.mark.parametrize("seed", range(4))
def test_random_rows_come_back_whatever_their_order_and_length(seed):
    rng = np.random.default_rng(seed)
    names = ["loss", "é/acc", "x" * 150, "val_loss", "\x82odd"]
    logged: dict[str, list] = {n: [] for n in names}
    records = []
    for s in range(300):
        chosen = rng.permutation(5)[: int(rng.integers(1, 6))]
        values = {}
        for k in chosen.tolist():
            value = float(rng.normal() * 10.0 ** int(rng.integers(-9, 9)))
            values[names[k]] = value if k != 2 else json.dumps(value) + " " * 120
            logged[names[k]].append((float(s), value))
        records.append(row(s, **values))
        if seed % 2:
            records.append(part(3, bytes(rng.bytes(300))))  # a record of another kind
    (run,) = read_bytes(chunks(records))
    shown = {n: cf.curves._checks.safe_text(n) for n in names}
    for name in names:
        assert points(run, shown[name]) == logged[name]


def test_records_across_blocks_are_joined():
    records = [row(s, loss=float(s), note="y" * 20_000) for s in range(12)]
    (run,) = read_bytes(chunks(records))
    assert run["loss"].y.tolist() == list(range(12))


def test_a_folder_of_a_run_is_its_log_alone(log, tmp_path):
    log(chunks([row(s, loss=1.0 / (s + 1)) for s in range(5)]), "wandb/offline-run-1-abc/run-abc.wandb")
    log('[{"step": 1, "loss": 3}, {"step": 2, "loss": 2}]', "wandb/offline-run-1-abc/files/table.json")
    log("step,loss\n1,2\n2,1\n", "wandb/offline-run-1-abc/files/media.csv")
    (run,) = cf.read(tmp_path)
    assert run.name == "wandb/offline-run-1-abc" and len(run["loss"]) == 5


def test_a_run_that_logged_nothing_says_so(refuse):
    assert "no history" in refuse(chunks([run_record(lr=1)]), "run-1.wandb").what
    assert "no history" in refuse(MAGIC, "run-1.wandb").what
    assert refuse(chunks([b"\xff\xff\xff"]), "run-1.wandb").code == "CF-IO-002"


def test_too_many_names_are_refused():
    records = [row(s, **{f"k{s}_{j}": 1.0 for j in range(40)}) for s in range(600)]
    with pytest.raises(cf.CurvefitError, match="names"):
        read_bytes(chunks(records))


SAMPLE = chunks([run_record(lr=0.5), *(row(s, loss=1 / (s + 3), acc=s / 7) for s in range(8))])
LOGGED = {("loss", float(s), 1 / (s + 3)) for s in range(8)} | {("acc", float(s), s / 7) for s in range(8)}


def found_in(data: bytes) -> tuple[set, list[cf.Run]]:
    try:
        runs = read_bytes(data)
    except cf.CurvefitError:
        return set(), []
    return {(n, *p) for r in runs for n in r for p in points(r, n)}, runs


def test_a_file_cut_anywhere_gives_whole_rows():
    ends, at = [], len(MAGIC)
    while at < len(SAMPLE):
        at += 7 + struct.unpack_from("<H", SAMPLE, at + 4)[0]
        ends.append(at)
    for cut in range(len(MAGIC), len(SAMPLE), 1):
        got, runs = found_in(SAMPLE[:cut])
        assert got <= LOGGED
        assert len(got) == 2 * max(0, sum(e <= cut for e in ends) - 1)
        if runs and cut not in ends:
            assert runs[0].provenance.rows_dropped == {"record cut at the end of the file": 1}, cut


def test_random_bit_flips_cost_at_most_the_row_they_hit():
    rng = np.random.default_rng(3)
    whole = list(ChunkLog(len(MAGIC)).read(iter([SAMPLE])))
    assert len(whole) == 9
    for trial in range(2000):
        data = bytearray(SAMPLE)
        bit = int(rng.integers(8 * len(MAGIC), 8 * len(data)))
        data[bit // 8] ^= 1 << bit % 8
        log = ChunkLog(len(MAGIC))
        records = list(log.read(iter([bytes(data)])))
        assert len(records) == 8 and set(records) < set(whole), "one record is hit, never more, and none is made up"
        assert len(log.stretches) + log.broken + log.cut == 1, "every loss is counted"
        if trial % 20 == 0:
            got, runs = found_in(bytes(data))
            assert got <= LOGGED and len(got) >= 14
            assert sum(sum(r.provenance.rows_dropped.values()) for r in runs) == 1


def test_J12_a_damaged_block_does_not_hide_the_next():
    records = [row(s, loss=float(s), note="z" * 5000) for s in range(40)]
    data = bytearray(chunks(records))
    data[40_000:50_000] = bytes(10_000)
    (run,) = read_bytes(bytes(data))
    lost = set(range(40)) - set(run["loss"].x.astype(int).tolist())
    assert 2 <= len(lost) <= 5 and set(run["loss"].y.tolist()) <= set(range(40))
    assert sum(run.provenance.rows_dropped.values()) >= 1
    assert math.isfinite(run["loss"].y[-1]) and run["loss"].x[-1] == 39


@pytest.mark.parametrize("ended", [True, False])
def test_a_log_without_its_last_record_says_so(log, ended):
    records = [row(s, loss=1 / (s + 1)) for s in range(30)]
    records += [number(1, 31) + part(18, number(2, 5))] if ended else []
    (run,) = cf.read(log(chunks(records), "run-abc123.wandb"))
    assert any("no end" in n for n in run.provenance.notes) is not ended
    assert points(run, "loss") == [(float(s), 1 / (s + 1)) for s in range(30)]

"""Console logs: every form that is known, in the middle of whatever else a script prints."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import curvefit as cf
from curvefit.readers import registry

NOISE = "Loading data...\nwarning: something took 3.5 s\n\n"


def points(run: cf.Run, name: str) -> list[tuple[float, float]]:
    return list(zip(run[name].x.tolist(), run[name].y.tolist(), strict=True))


def megatron(step: int, loss: float) -> str:
    return (
        f"0:  iteration {step:8d}/    9508 | consumed samples: {256 * step:12d} | learning rate: 1.5E-05 | "
        f"lm loss: {loss:.6E} | grad norm: 1.250 | number of nan iterations:   0 |\n"
    )


LOGS = {
    "nanoGPT": (
        "step 0: train loss 4.3, val loss 4.5\niter 0: loss 4.25, time 900.00ms, mfu -100.00%\n"
        "iter 10: loss 3.5, time 80ms, mfu 12.5%\nstep 20: train loss 3.0, val loss 3.25\n",
        {"loss": [(0, 4.25), (10, 3.5)], "train_loss": [(0, 4.3), (20, 3.0)], "val_loss": [(0, 4.5), (20, 3.25)]},
        None,
    ),
    "modded-nanogpt": (
        "step:0/50 val_loss:10.5 train_time:65ms step_avg:nanms\nstep:1/50 train_loss:9.5 train_time:165ms step_avg:nanms\n"
        "step:2/50 train_loss:8.5 train_time:265ms step_avg:100.5ms\n",
        {"val_loss": [(0, 10.5)], "train_loss": [(1, 9.5), (2, 8.5)], "step_avg": [(2, 100.5)]},
        50,
    ),
    "llm.c": (
        "s:0 tel:11.0\ns:0 trl:10.5 lr:0.001 norm:15.3\ns:1 trl:9.5 lr:0.002 norm:nan\ns:250 eval:0.25\n",
        {"val_loss": [(0, 11.0)], "train_loss": [(0, 10.5), (1, 9.5)], "eval": [(250, 0.25)], "lr": [(0, 0.001), (1, 0.002)]},
        None,
    ),
    "Megatron": (
        megatron(100, 9.5) + NOISE + megatron(200, 8.25)
        + "0: valid loss at iteration 200 | lm loss value: 8.500000E+00 | lm loss PPL: 4.9E+03 | \n",
        {"lm loss": [(100, 9.5), (200, 8.25)], "val lm loss": [(200, 8.5)], "val lm loss PPL": [(200, 4900)]},
        9508,
    ),
    "Hugging Face": (
        "{'loss': 2.5, 'grad_norm': nan, 'learning_rate': 5e-05, 'epoch': 0.5}\n"
        "  5%|5         | 1/20\r{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '4e-05', 'epoch': '1.0'}\n"
        "{'eval_loss': 1.75, 'eval_runtime': 1.0, 'epoch': 1.0}\n"
        "{'train_runtime': 9.0, 'train_loss': 2.0, 'epoch': 1.0}\n",
        {"loss": [(0.5, 2.5), (1.0, 1.5)], "eval_loss": [(1.0, 1.75)]},
        None,
    ),
    "Keras 2": (
        "Epoch 1/10\n" + "".join(f"{i}/3 [==>...] - ETA: 1s - loss: {9 - i}.0\r" for i in (1, 2))
        + "3/3 [=====] - 1s 5ms/step - loss: 2.5 - accuracy: 0.25 - val_loss: 2.75 - val_accuracy: 0.125\n"
        "Epoch 2/10\n3/3 [=====] - 1s 5ms/step - loss: 1.5 - accuracy: 0.5 - val_loss: 1.75 - val_accuracy: 0.375\n",
        {"loss": [(1, 2.5), (2, 1.5)], "val_loss": [(1, 2.75), (2, 1.75)], "val_accuracy": [(1, 0.125), (2, 0.375)]},
        10,
    ),
    "Keras 3": (
        "Epoch 1/4\n\x1b[1m1/2\x1b[0m x\r2/2 ━━━━━━━━ 3s 5ms/step - accuracy: 0.25 - loss: 2.5\r"
        "2/2 ━━━━━━━━ 3s 5ms/step - accuracy: 0.25 - loss: 2.5 - val_loss: 3.5\nEpoch 2/4\n"
        "2/2 ━━━━━━━━ 3s 5ms/step - accuracy: 0.5 - loss: 1.5 - val_loss: 2.5\n",
        {"loss": [(1, 2.5), (2, 1.5)], "val_loss": [(1, 3.5), (2, 2.5)]},
        4,
    ),
    "Torch7": (
        'nn.Sequential {\n  [input -> output]\n}\njson_stats: {"epoch":1,"loss":2.5,"test_acc":10.5,"optimState":{"a":1},"seed":null}\n'
        'json_stats: {"epoch":2,"loss":1.5,"test_acc":20.5,"optimState":{"a":1}}\n',
        {"loss": [(1, 2.5), (2, 1.5)], "test_acc": [(1, 10.5), (2, 20.5)]},
        None,
    ),
    "results.txt of YOLO": (
        "     0/9     4.2G    0.125    0.050   0.25    0.425     12    640    0.5    0.4    0.375    0.25   0.0625  0.040  0.5\n"
        "     1/9     4.2G    0.100    0.050   0.25    0.400     12    640    0.5    0.4    0.500    0.25   0.0500  0.040  0.5\n",
        {"train/box_loss": [(0, 0.125), (1, 0.1)], "metrics/mAP_0.5": [(0, 0.375), (1, 0.5)], "val/box_loss": [(0, 0.0625), (1, 0.05)]},
        9,
    ),
    "plain": (
        "[INFO] epoch 1/30 loss 2.5 acc=0.25 (took 3.5 s)\n[INFO] epoch 2/30 loss 1.5 acc=0.5 (took 3.5 s)\n",
        {"loss": [(1, 2.5), (2, 1.5)], "acc": [(1, 0.25), (2, 0.5)]},
        30,
    ),
    "plain with dates": (
        "[2026-01-01 12:00:00] step 10 | loss: 2.5 | val_loss: 3.5e0\n[2026-01-01 12:00:09] step 20 | loss: 1.5 | val_loss: nan\n",
        {"loss": [(10, 2.5), (20, 1.5)], "val_loss": [(10, 3.5)]},
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LOGS)
def test_every_form_is_recognized_and_read(form, log):
    text, expected, plan = LOGS[form]
    (run,) = cf.read(log(NOISE + text, "train.log"))
    assert run.provenance.reader == "text_log"
    assert {name: points(run, name) for name in expected} == expected
    assert run.horizon == plan
    assert any("lines are read" in n for n in run.provenance.notes)


def test_a_log_that_begins_with_its_program_is_read(log):
    program = "import os\nimport torch\n" + "".join(f"x{i} = f'step:{{step}} loss {{loss}}'\n" for i in range(4000))
    (run,) = cf.read(log(program + LOGS["modded-nanogpt"][0], "run.txt"))
    assert points(run, "train_loss") == [(1, 9.5), (2, 8.5)]


def test_programs_and_prose_are_no_logs(refuse):
    assert refuse("import torch\n" + "x = 1\n" * 30_000, "train.py").code == "CF-IO-003"
    assert refuse("import torch\n" + "x = 1\n" * 30_000, "train.txt").code == "CF-IO-003"
    refuse("Epoch 1: training loss was about 2.3 today\nEpoch 2: fine\n", "diary.txt")
    refuse("In step 3 of the recipe, loss of water is normal.\nGo to step 4.\n", "recipe.txt")


def test_a_last_line_without_an_end_is_not_trusted(log):
    text = "step 10: train loss 2.5, val loss 2.5\nstep 20: train loss 1.5, val loss 1.75\nstep 30: train loss 1.25, val loss 1.625"
    for cut in range(len(text) - 12, len(text)):
        (run,) = cf.read(log(text[:cut], "train.log"))
        assert points(run, "val_loss") == [(10, 2.5), (20, 1.75)]
    (run,) = cf.read(log(text, "train.log"))
    assert run.provenance.rows_dropped == {"unterminated last line": 1}
    assert len(cf.read(log(text, "train.log"), keep_partial_tail=True)[0]["val_loss"]) == 3


def test_a_restart_in_a_log_supersedes(log):
    text = "".join(
        f"iter {i}: loss {v}, time 1ms, mfu 1%\n" for i, v in [(0, 3.0), (10, 2.0), (20, 1.0), (10, 2.5), (20, 1.5)]
    )
    (run,) = cf.read(log(text, "train.log"))
    assert points(run, "loss") == [(0, 3.0), (10, 2.5), (20, 1.5)] and run.provenance.restarts == (10.0,)


def test_hostile_lines_end_soon(log):
    evil = [
        "step:1/2 " + "a:1" * 5000, "json_stats: " + "[" * 4000, "json_stats: {" + '"a":{' * 300, "{'" + "a" * 9000,
        "iteration 1/2 |" + " a:" * 5000, "1/1 " + "- a: 1 " * 4000, "epoch " * 3000, "loss=" * 4000, "step 1 " + "1" * 16_000,
        "step 1 loss " + "9" * 400,
    ]  # fmt: skip
    text = "\n".join(evil) + "\n" + "iter 0: loss 3.0, time 1ms, mfu 1%\niter 1: loss 2.0, time 1ms, mfu 1%\n"
    (run,) = cf.read(log(text, "train.log"))
    assert points(run, "loss") == [(0, 3.0), (1, 2.0)]


def test_a_number_beyond_floats_is_counted_and_no_infinity(log):
    text = (
        "iter 0: loss 3.0, time 1ms, mfu 1%\niter 1: loss 1e999, time 1ms, mfu 1%\niter 2: loss inf, time 1ms, mfu 1%\n"
    )
    (run,) = cf.read(log(text, "train.log"))
    assert points(run, "loss") == [(0, 3.0)] and run["loss"].nonfinite_x.tolist() == [2]
    assert run["loss"].defects == {"too large for a float": 1}


def test_random_damage_never_leaves_this_package(log):
    rng = np.random.default_rng(2)
    reader = registry["text_log"]
    text = "".join(t for t, _, _ in LOGS.values()).encode()
    for _ in range(60):
        data = bytearray(text)
        for bit in rng.integers(8 * len(data), size=30).tolist():
            data[bit // 8] ^= 1 << bit % 8
        assert 0 <= reader.sniff(bytes(data), "x.log") <= 1
        with contextlib.suppress(cf.CurvefitError):
            assert all(isinstance(r, cf.Run) for r in cf.read(log(bytes(data), "x.log"), format="text_log"))

"""Text tables: what each tool writes, and what becomes of it."""

from __future__ import annotations

import numpy as np

import curvefit as cf


def test_a_keras_log(log):
    (run,) = cf.read(
        log("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.2,0.4,1.3\n1,0.6,nan,NA,1.1\n2,.7,.8,.5,1\n")
    )
    assert list(run) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert run["loss"].metric.split == "train" and run["val_loss"].metric.split == "val"
    assert run["loss"].x_unit == "epoch"
    np.testing.assert_array_equal(run["loss"].x, [0, 2])
    np.testing.assert_array_equal(run["loss"].nonfinite_x, [1])  # nan was logged
    np.testing.assert_array_equal(run["val_accuracy"].x, [0, 2])  # NA was not
    assert run["val_accuracy"].nonfinite_x.size == 0
    assert run.provenance.points_in == run.provenance.points_kept == 11


def test_sparse_rows_as_lightning_writes_them(log):
    text = "epoch,step,train_loss,val_loss\n0,49,0.6,\n0,99,0.5,\n0,99,,0.7\n1,149,0.4,\n1,199,,0.6\n"
    (run,) = cf.read(log(text))
    np.testing.assert_array_equal(run["train_loss"].x, [49, 99, 149])
    np.testing.assert_array_equal(run["val_loss"].x, [99, 199])
    assert run.provenance.rows_in == run.provenance.rows_kept == 5


def test_padded_headers_as_ultralytics_writes_them(log):
    text = "   epoch,   train/box_loss,  lr/pg0\n      1,      1.5,   0.01\n      2,      1.2,   0.001\n"
    (run,) = cf.read(log(text, "results.csv"))
    assert list(run) == ["train/box_loss", "lr/pg0"]
    assert run.schedule is not None and len(run.schedule) == 2


def test_a_monitor_file(log):
    text = '#{"t_start": 1.5, "env_id": "Ant"}\nr,l,t\r\n-5.0,10,0.5\r\n-4.0,20,0.9\r\n-3.0,5,1.1\r\n'
    (run,) = cf.read(log(text, "0.monitor.csv"))
    np.testing.assert_array_equal(run["episode_reward"].x, [10, 30, 35])
    assert run["episode_reward"].direction == "max"
    assert run.attributes["env_id"] == "Ant"


def test_a_chart_exported_from_wandb(log):
    text = (
        '"Step","a - loss","a - loss__MIN","a - loss__MAX","b - loss","b - loss__MIN","b - loss__MAX"\n'
        '"10","2.0","1.9","2.1","","",""\n"20","1.5","1.5","1.5","3.0","3.0","3.0"'
    )
    a, b = cf.read(log(text))
    assert (a.name, b.name) == ("a", "b")
    assert a.provenance.sampling == "aggregated"
    np.testing.assert_array_equal(a["loss"].flags, [1, 0])
    np.testing.assert_array_equal(b["loss"].x, [20])  # a closed quote shows that the last line is whole
    assert a.provenance.points_in + b.provenance.points_in == 9


def test_long_form_splits_into_runs(log):
    rows = "".join(f"{a},{i},{v}\n" for a in ("x", "y") for _ in range(2) for i, v in enumerate((3.0, 2.0, 1.0)))
    runs = cf.read(log("agent,step,loss\n" + rows))
    assert [r.name for r in runs] == ["x/1", "x/2", "y/1", "y/2"]
    assert all(len(r["loss"]) == 3 for r in runs)


def test_a_loss_that_hides_nan_is_flagged(log):
    text = "step,loss,val_loss,grad_norm\n1,3,3,1\n2,2.5,3,2\n3,2.5,3,nan\n4,0,3,inf\n5,1.9,3,nan\n6,1.8,3,1\n7,1.8,2.9,1\n"
    (run,) = cf.read(log(text))
    masked = int(cf.curves.Flag.MASKED_NAN)
    np.testing.assert_array_equal(run["loss"].flags, [0, 0, masked, masked, 0, 0, 0])
    assert not run["val_loss"].flags.any() and len(run["loss"]) == 7


def test_labels_attributes_and_other_columns(log):
    rows = "".join(f"{k},{7 + k},adam,{s},{3 - s / 10},{0.1},2026-01-0{s + 1}\n" for k in range(3) for s in range(4))
    runs = cf.read(log("trial_id,seed,optimizer,step,loss,lr,date\n" + rows))
    assert [r.name for r in runs] == ["trial_id=0", "trial_id=1", "trial_id=2"]
    assert dict(runs[1].attributes) == {"trial_id": 1.0, "seed": 8.0, "optimizer": "adam", "lr": 0.1}
    assert list(runs[1]) == ["loss", "lr"] and len(runs[1].schedule) == 4
    assert any("'date'" in n for n in runs[0].provenance.notes)


def test_runs_that_are_interleaved_are_told_apart(log):
    rows = "".join(f"{s},{name},{3 - s / 10}\n" for s in range(5) for name in ("small", "large"))
    runs = cf.read(log("step,size,loss\n" + rows))
    assert [r.name for r in runs] == ["small", "large"] and all(len(r["loss"]) == 5 for r in runs)


def test_a_setting_that_changes_where_x_starts_over_is_a_label(log):
    rows = "".join(f"{w},{e},{3 - e / 10}\n" for w in (8, 16, 32) for e in range(6))
    runs = cf.read(log("channels,epoch,loss\n" + rows))
    assert [r.name for r in runs] == ["channels=8", "channels=16", "channels=32"]


def test_long_form_with_metric_names(log):
    rows = "".join(f"{m},{s},{v + s}\n" for m, v in (("loss", 0), ("acc", 9)) for s in (1, 2, 3))
    (run,) = cf.read(log("metric,step,value\n" + rows))
    np.testing.assert_array_equal(run["loss"].y, [1, 2, 3])
    np.testing.assert_array_equal(run["acc"].y, [10, 11, 12])


def test_a_table_without_a_header(log):
    (run,) = cf.read(log("1,2.5\n2,2.0\n3,1.5\n"), x="column_1")
    np.testing.assert_array_equal(run["column_2"].y, [2.5, 2.0, 1.5])
    assert any("no header" in n for n in run.provenance.notes)
    (run,) = cf.read(log("# step loss\n1 2.5\n2 2.0\n", "x.txt"))  # as numpy.savetxt writes it
    np.testing.assert_array_equal(run["loss"].x, [1, 2])


def test_the_index_of_a_dataframe_is_no_metric(log):
    (run,) = cf.read(log(",epoch,loss\n0,1,3\n1,2,2\n2,3,1\n"))
    assert list(run) == ["loss"]


def test_a_preamble_is_skipped(log):
    text = '"a box\n| lr: 0.1 | x: 3 |\nend"\n\nepoch,loss\n1,3\n2,2\n3,1\n'
    (run,) = cf.read(log(text))
    np.testing.assert_array_equal(run["loss"].y, [3, 2, 1])
    assert any("3 lines before the header" in n for n in run.provenance.notes)


def test_names_of_runs(log):
    assert cf.read(log("step,loss\n1,2\n2,1\n", "run_a.csv"))[0].name == "run_a"
    assert cf.read(log("step,loss\n1,2\n2,1\n", "version_3/metrics.csv"))[0].name == "version_3/metrics"
    assert cf.read(log("run_name,step,loss\nbig,1,2\nbig,2,1\n", "x.csv"))[0].name == "big"


def test_a_table_downloaded_from_tensorboard(log):
    text = "Wall time,Step,Value\n1.7e9,10,2.5\n1.7000001e9,20,2.0\n"
    (run,) = cf.read(log(text, "run-.-tag-val_loss.csv"))
    assert list(run) == ["Wall time", "val_loss"] and run["val_loss"].direction == "min"


def test_progress_of_stable_baselines_counts_environment_steps(log):
    text = "rollout/ep_rew_mean,time/iterations,time/total_timesteps,train/loss\n-5,1,2048,\n-4,2,4096,0.5\n-3,3,6144,0.4\n"
    (run,) = cf.read(log(text, "progress.csv"))
    np.testing.assert_array_equal(run["rollout/ep_rew_mean"].x, [2048, 4096, 6144])
    assert run["rollout/ep_rew_mean"].kind == "reward" and run["train/loss"].x[0] == 4096


def test_durations_as_text_are_left_aside(log):
    (run,) = cf.read(log("epoch,train_loss,valid_loss,time\n0,3,3.1,00:12\n1,2,2.2,00:11\n2,1,1.4,00:12\n"))  # fastai
    assert list(run) == ["train_loss", "valid_loss"] and not run.provenance.points_dropped


def test_a_sweep_over_learning_rates_is_several_runs(log):
    rows = "".join(f"{lr},{e},{3 - e * lr}\n" for lr in (0.1, 0.01, 0.001) for e in range(4))
    runs = cf.read(log("lr,epoch,val_loss\n" + rows))
    assert [r.name for r in runs] == ["lr=0.1", "lr=0.01", "lr=0.001"]
    assert all(len(r["val_loss"]) == 4 for r in runs)
    # a drop of the rate at a resume in the middle is one run
    text = "step,loss,lr\n1,3,0.1\n2,2.5,0.1\n3,2.4,0.1\n4,2.3,0.1\n3,2.2,0.01\n4,2,0.01\n"
    (run,) = cf.read(log(text))
    assert run.provenance.restarts == (3.0,) and len(run.schedule) == 4


def test_long_form_with_parts_of_the_data(log):
    rows = "".join(f"{s},{d},l2,{3 - s / 9 + (d == 'valid')}\n" for s in range(4) for d in ("train", "valid"))
    (run,) = cf.read(log("iteration,dataset,metric,value\n" + rows))
    assert list(run) == ["train/l2", "valid/l2"] and len(run["valid/l2"]) == 4


def test_percent_signs(log):
    (run,) = cf.read(log("epoch,acc,loss\n0,50.5%,2\n1,,1\n2,61 %,0.5\n"))
    np.testing.assert_array_equal(run["acc"].y, [50.5, 61])
    assert run["acc"].percent and any("in percent" in n for n in run.provenance.notes)

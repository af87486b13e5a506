from pathlib import Path

from wenlu.training.metrics_log import MetricsLog


def write(path: Path, *lines: str) -> None:
    path.write_text("".join(lines))


def test_it_appends(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, 0, 0, enabled=True)
    log.write(event="step", step=1, loss=0.5)
    MetricsLog(path, 1, 0, enabled=True).write(event="step", step=2, loss=0.25)
    assert path.read_text() == (
        '{"event": "step", "step": 1, "loss": 0.5}\n{"event": "step", "step": 2, "loss": 0.25}\n'
    )


def test_what_will_come_again_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = '{"event": "step", "step": 3}\n'
    epoch = '{"event": "epoch", "step": 3, "epoch": 1}\n'
    write(path, first, epoch, '{"event": "step", "step": 4}\n')
    MetricsLog(path, 3, 3, enabled=True)
    assert path.read_text() == first + epoch
    # The state of step 3 was saved before the epoch was measured, and that measurement was lost.
    MetricsLog(path, 3, 0, enabled=True)
    assert path.read_text() == first


def test_a_line_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, '{"event": "step", "step": 1}\n', '{"event": "st')
    MetricsLog(path, 9, 9, enabled=True)
    assert path.read_text() == '{"event": "step", "step": 1}\n'


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path, 0, 0, enabled=False).write(event="step", step=1)
    assert not path.exists()

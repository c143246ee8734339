"""Cohort's event files, read by TensorBoard itself.

Lets Cohort write a run that is broken off and resumed (the suite StudyExchangeTests), reads the events with TensorBoard's
own reader, which checks every checksum, and compares each value with metrics.jsonl.

    python scripts/compare/tensorboard.py        (needs the package tensorboard; skipped where it is not installed)
"""
import json
import math
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this script's own folder, whose name for itself is that of the package
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
except ImportError:
    print("skipped: tensorboard is not installed (pip install tensorboard)")
    sys.exit(0)

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
work = tempfile.mkdtemp()
subprocess.run(
    ["swift", "test", "-c", "release", "--filter", "StudyExchangeTests/resumedRun", *sys.argv[1:]], cwd=root, check=True,
    env={**os.environ, "COHORT_STUDY_EXCHANGE": work}, stdout=subprocess.DEVNULL)

with open(os.path.join(work, "metrics.jsonl")) as file:
    rounds = [json.loads(line) for line in file]
expected = {"global": {}}


def expect(run, tag, step, value):
    expected.setdefault(run, {}).setdefault(tag, {})[step] = math.nan if value is None else value


# A site's run is its name, written as in an address where a folder's name cannot hold it.
runs = sorted(os.listdir(os.path.join(work, "events")))
for record in rounds:
    step = record["round"]
    for name, value in record["metrics"].items():
        expect("global", f"{name}/global", step, value)
        expect("global", f"all/{name}", step, value)
    for phase, value in record["seconds"].items():
        expect("global", f"seconds/{phase}", step, value)
    expect("global", "bytes/down", step, record["bytes_down"])
    expect("global", "bytes/up", step, record["bytes_up"])
    expect("global", "sites/took_part", step, sum(site["failure"] is None for site in record["sites"]))
    for site in record["sites"]:
        if site["failure"] is not None:
            continue
        run = "".join(
            c if c.isalnum() or c in "-_ " or (c == "." and i) else "".join(f"%{b:02X}" for b in c.encode())
            for i, c in enumerate(site["name"]))
        for name, value in site["metrics"].items():
            expect(run, f"{name}/{run}", step, value)
            expect(run, f"all/{name}", step, value)
        for key in ("seconds", "steps", "bytes_received", "bytes_sent"):
            expect(run, f"{key}/{run}", step, site[key])

assert runs == sorted(expected), (runs, sorted(expected))
values = files = 0
for run in runs:
    folder = os.path.join(work, "events", run)
    for name in sorted(os.listdir(folder)):
        assert sum(1 for _ in RawEventFileLoader(os.path.join(folder, name)).Load()) > 1, name
        files += 1
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    # TensorBoard turns simple values into tensors as it reads; both stand for a scalar.
    tags = events.Tags()
    read = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in tags["scalars"]}
    for tag in tags["tensors"]:
        read[tag] = {e.step: e.tensor_proto.float_val[0] for e in events.Tensors(tag)}
    assert sorted(read) == sorted(expected[run]), (run, sorted(read), sorted(expected[run]))
    for tag, steps in expected[run].items():
        assert sorted(read[tag]) == sorted(steps), (run, tag, sorted(read[tag]), sorted(steps))
        for step, value in steps.items():
            got = read[tag][step]
            same = math.isnan(got) if math.isnan(value) else abs(got - value) <= 1e-6 * max(1, abs(value))
            assert same, (run, tag, step, got, value)
            values += 1
print(f"equal: {values} values in {len(runs)} runs, {files} files, {len(rounds)} rounds, 7 and 8 of them redone")

"""Stock FedAvg that only trains, and the seconds of its rounds in a file."""
import json
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    nodes, rounds = int(config["nodes"]), int(config["num-server-rounds"])
    parts = np.array_split(np.random.default_rng(1).random(int(config["bytes"]) // 4, np.float32), int(config["tensors"]))
    marks = []
    FedAvg(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=nodes, min_available_nodes=nodes).start(
        grid=grid, initial_arrays=ArrayRecord({f"layer{i}.weight": Array(p) for i, p in enumerate(parts)}),
        num_rounds=rounds, train_config=ConfigRecord({"cohort-rounds": rounds}), timeout=600,
        evaluate_fn=lambda number, arrays: marks.append(time.perf_counter()))
    Path(str(config["output"])).write_text(json.dumps([b - a for a, b in zip(marks, marks[1:])]))

"""Stock FedAvg from zeros, and its final weights in a file."""
import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    nodes = int(config["nodes"])
    strategy = FedAvg(
        fraction_train=1.0, fraction_evaluate=1.0, min_train_nodes=nodes, min_evaluate_nodes=nodes,
        min_available_nodes=nodes)
    arrays = ArrayRecord({"matrix": Array(np.zeros((4, 3), np.float32)), "vector": Array(np.zeros(5, np.float32))})
    rounds = int(config["num-server-rounds"])
    result = strategy.start(
        grid=grid, initial_arrays=arrays, num_rounds=rounds,
        train_config=ConfigRecord({"cohort-rounds": rounds}))
    if config["output"]:
        np.savez(str(config["output"]), **{name: array.numpy() for name, array in result.arrays.items()})

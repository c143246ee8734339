"""Stock FedAvg over Cohort's nnU-Nets; what each site sent and what came of it go to files."""
import json
import time
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


def ask(grid: Grid, node: int, kind: str, config: dict, **more: ArrayRecord) -> RecordDict:
    """What a Cohort site answers to one of its own questions."""
    content = RecordDict({"config": ConfigRecord(config), **more})
    reply, = grid.send_and_receive([Message(content, dst_node_id=node, message_type=kind)])
    if reply.has_error():
        raise RuntimeError(f"{kind}: {reply.error.reason}")
    return reply.content


def first_weights(grid: Grid, nodes: int) -> ArrayRecord:
    """The names of a site's network, then its weights."""
    while len(list(grid.get_node_ids())) < nodes:
        time.sleep(1)
    site = min(grid.get_node_ids())
    payload = ask(grid, site, "query.describe", {})["config"]["cohort-payload"]
    names = [tensor["tensor"]["name"] for tensor in json.loads(payload)["tensors"]]
    return ask(grid, site, "query.initial_weights", {"cohort-names": names})["arrays"]


class KeepingFedAvg(FedAvg):
    """FedAvg that leaves what it was sent on the disk."""

    folder: Path

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        for reply in replies:
            if reply.has_error():
                raise RuntimeError(reply.error.reason)
            save(self.folder / f"round{server_round}-{reply.metadata.src_node_id}.npz", reply.content["arrays"],
                 examples=reply.content["metrics"]["num-examples"])
        return super().aggregate_train(server_round, replies)


def save(path: Path, arrays: ArrayRecord, **more) -> None:
    np.savez(path, **{name: array.numpy() for name, array in arrays.items()}, **more)


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    nodes, rounds = int(config["nodes"]), int(config["num-server-rounds"])
    folder = Path(str(config["output"]))
    initial = first_weights(grid, nodes)
    save(folder / "initial.npz", initial)
    strategy = KeepingFedAvg(min_train_nodes=nodes, min_evaluate_nodes=nodes, min_available_nodes=nodes)
    strategy.folder = folder
    result = strategy.start(
        grid=grid, initial_arrays=initial, num_rounds=rounds, train_config=ConfigRecord({"cohort-rounds": rounds}))
    for node in grid.get_node_ids():
        ask(grid, node, "query.finish", {}, arrays=result.arrays)
        try:
            ask(grid, node, "query.begin", {"cohort-payload": b"{}"})
            raise AssertionError("a site took an order from outside in place of its own people's")
        except RuntimeError as error:
            assert "its own people have said" in str(error), error
    save(folder / "final.npz", result.arrays)
    (folder / "evaluation.json").write_text(json.dumps(
        {number: dict(metrics) for number, metrics in result.evaluate_metrics_clientapp.items()}))

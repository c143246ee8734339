"""What Flower and NVFlare take for the server's half of a round; `federation.py` runs it, one measurement a process.

usage: federation_peers.py flower-mean|flower-records|flower-median|flower-trimmed|flower-krum|nvflare-torch|nvflare-numpy RUNS
       federation_peers.py flower-simulation SITES BYTES ROUNDS
"""
import json
import os
import statistics
import sys
import time

import numpy as np

os.environ.update(RAY_USAGE_STATS_ENABLED="0", FLWR_TELEMETRY_ENABLED="0")
SITES = 10


def nnunet_shapes():
    """The same 31 million parameters as in Benchmarks/Federation/Updates.swift."""
    features = [32, 64, 128, 256, 320, 320]

    def block(inputs, outputs):
        return [s for c in (inputs, outputs) for s in ((outputs, c, 3, 3, 3), (outputs,), (outputs,))]

    shapes = [s for i, o in zip([1] + features, features) for s in block(i, o)]
    for below, outputs in zip(features[:0:-1], features[-2::-1]):
        shapes += [(below, outputs, 2, 2, 2)] + block(2 * outputs, outputs)
    return shapes + [(3, 32, 1, 1, 1), (3,)]


def memory(field):
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6


def timed(function, runs):
    times, peak = [], 0
    for _ in range(runs + 1):
        before = memory("VmRSS")
        open("/proc/self/clear_refs", "w").write("5")
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
        peak = max(peak, memory("VmHWM") - before)
        del result
    # The first warms up.
    return {"seconds": statistics.median(times[1:]), "fastest seconds": min(times[1:]), "peak MB beside the updates": peak}


def aggregation(what, runs):
    random = np.random.default_rng(1)
    updates = [[random.random(s, dtype=np.float32) - 0.5 for s in nnunet_shapes()] for _ in range(SITES)]
    weighted = [(u, i + 1) for i, u in enumerate(updates)]
    if what.startswith("nvflare"):
        from nvflare.app_common.aggregators.weighted_aggregation_helper import WeightedAggregationHelper

        if what == "nvflare-torch":
            import torch

            updates = [[torch.from_numpy(t) for t in u] for u in updates]
        updates = [{str(k): t for k, t in enumerate(u)} for u in updates]

        def mean():
            helper = WeightedAggregationHelper()
            for i, update in enumerate(updates):
                helper.add(update, i + 1, f"site-{i}", 0)
            return helper.get_result()

        return timed(mean, runs)
    if what == "flower-records":
        from flwr.app import ArrayRecord, MetricRecord, RecordDict
        from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

        records = []
        while weighted:
            arrays, examples = weighted.pop(0)
            records.append(RecordDict({"arrays": ArrayRecord(arrays), "m": MetricRecord({"num-examples": examples})}))
            updates[len(records) - 1] = None
            del arrays
        return timed(lambda: aggregate_arrayrecords(records, "num-examples"), runs)
    from flwr.server.strategy import aggregate as flower

    return timed({"flower-mean": lambda: flower.aggregate(weighted),
                  "flower-median": lambda: flower.aggregate_median(weighted),
                  "flower-trimmed": lambda: flower.aggregate_trimmed_avg(weighted, 0.2),
                  "flower-krum": lambda: flower.aggregate_krum(weighted, 2, 0)}[what], runs)


def simulation(sites, size, rounds):
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    client, server, marks = ClientApp(), ServerApp(), []

    @client.train()
    def train(message: Message, context: Context):
        arrays = ArrayRecord([a + np.float32(1e-6) for a in message.content["arrays"].to_numpy_ndarrays()])
        content = RecordDict({"arrays": arrays, "metrics": MetricRecord({"loss": 0.5, "num-examples": 1})})
        return Message(content=content, reply_to=message)

    @client.evaluate()
    def evaluate(message: Message, context: Context):
        content = RecordDict({"metrics": MetricRecord({"dice": 0.5, "num-examples": 1})})
        return Message(content=content, reply_to=message)

    @server.main()
    def main(grid: Grid, context: Context):
        # Ten tensors, or as many as a network of that size has.
        count = 10 if size < 1 << 20 else 74
        arrays = ArrayRecord([a.copy() for a in np.array_split(np.ones(size // 4, dtype=np.float32), count)])
        strategy = FedAvg(fraction_train=1, fraction_evaluate=1, min_available_nodes=sites)
        strategy.start(grid=grid, initial_arrays=arrays, num_rounds=rounds, timeout=600,
                       evaluate_fn=lambda round, arrays: marks.append(time.perf_counter()))

    run_simulation(server, client, sites, backend_config={
        "client_resources": {"num_cpus": 1, "num_gpus": 0}, "init_args": {"num_cpus": os.cpu_count()}})
    # A mark stands between a round's training and its evaluation; the first round pays for the start of the workers.
    times = [b - a for a, b in zip(marks[1:], marks[2:])]
    return {"seconds": statistics.median(times), "slowest seconds": max(times), "rounds": len(times)}


if __name__ == "__main__":
    if sys.argv[1] == "flower-simulation":
        figures = simulation(*map(int, sys.argv[2:5]))
    else:
        figures = aggregation(sys.argv[1], int(sys.argv[2]))
    print("\n" + json.dumps(figures), flush=True)

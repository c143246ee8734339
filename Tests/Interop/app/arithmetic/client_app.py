"""Half of the way to the site's own target, in every round."""
import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


def arrays(message: Message) -> dict[str, np.ndarray]:
    return {name: array.numpy() for name, array in next(iter(message.content.array_records.values())).items()}


@app.train()
def train(message: Message, context: Context) -> Message:
    target = np.float32(context.node_config["target"])
    trained = {name: value + np.float32(0.5) * (target - value) for name, value in arrays(message).items()}
    return Message(
        content=RecordDict({
            "arrays": ArrayRecord({name: Array(value) for name, value in trained.items()}),
            "metrics": MetricRecord({"num-examples": int(context.node_config["examples"]), "loss": 1.0}),
        }), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    target = float(context.node_config["target"])
    error = float(np.mean([np.mean(np.abs(value - target)) for value in arrays(message).values()]))
    return Message(
        content=RecordDict({
            "metrics": MetricRecord({"num-examples": int(context.node_config["examples"]), "dice": 1 / (1 + error)})
        }), reply_to=message)

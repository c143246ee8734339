"""The program `cohort` itself beside stock Flower: its sites on a SuperLink, and Flower's nodes on its server."""
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from bench import COHORT, EXAMPLES, EXPECTED, HERE, PEER, ROUNDS, TARGETS, Bench, free_port, wait_for_port, wait_until

TRAINING = ("--iterations-per-epoch", "2", "--val-iterations-per-epoch", "1", "--batch-size", "2",
            "--precision", "fp32", "-device", "cpu", "--threads", "1")


def phantoms(bench: Bench, *numbers: int) -> None:
    """Small datasets of synthetic patients."""
    for number in numbers:
        bench.run(COHORT, "phantom", "-d", number, "--name", f"H{number}", "--cases", "6", "--test-cases", "1",
                  "--size", "16", "20", "20", "--scanners", "1", "--seed", number)


def kits(bench: Bench, *sites: str) -> tuple[Path, int]:
    """Startup kits of a server, sites and the one who leads the study; and the port for sites."""
    port, administration = free_port(), free_port()
    (bench.folder / "project.yaml").write_text(
        "project: study\n"
        f"server: {{name: server, org: university, hosts: [127.0.0.1], port: {port}, "
        f"administration_port: {administration}}}\n"
        f"sites: [{', '.join(sites)}]\n"
        "administrators: [{name: ada@example.org, org: university, role: lead}]\n")
    bench.run(COHORT, "provision", "-p", "project.yaml", "-w", "workspace", "--kits")
    return next((bench.folder / "workspace").rglob("prod_00")), port


def public_key(bench: Bench, kit: Path, name: str) -> None:
    """ssh/NAME.pub, from a kit's certificate, as the documentation says."""
    (bench.folder / "ssh").mkdir(exist_ok=True)
    pem = bench.folder / f"{name}.spki"
    pem.write_text(bench.run("openssl", "x509", "-in", next(kit.rglob("site.pem")), "-pubkey", "-noout"))
    (bench.folder / f"ssh/{name}.pub").write_text(bench.run("ssh-keygen", "-i", "-m", "PKCS8", "-f", pem))


# What is tried.

def nnunets_on_a_superlink(bench: Bench) -> str:
    """Two `cohort site` that train nnU-Nets on a stock SuperLink under stock FedAvg, one by its kit and one by a key:"""
    import numpy
    rounds = 2
    phantoms(bench, 301, 302)
    # A SuperLink plans nothing: the second site gets the first one's plans.
    bench.run(COHORT, "plan-and-preprocess", "-d", 301, 302, "-c", "3d_fullres")
    preprocessed = bench.folder / "cohort-data/nnUNet_preprocessed"
    shutil.copy(preprocessed / "Dataset301_H301/nnUNetPlans.json", preprocessed / "Dataset302_H302")
    bench.run(COHORT, "preprocess", "-d", 302, "-c", "3d_fullres")
    port = free_port()
    bench.superlink(port)
    folder, _ = kits(bench, "a")
    public_key(bench, folder / "a", "a")
    bench.run("flwr", "supernode", "register", "ssh/a.pub", "bench")
    bench.register("b")
    (bench.folder / "policy.yaml").write_text(
        "{work: [train, validate], datasets: [Dataset301_H301], fewest_cases: 4, largest_message_mb: 6}\n")
    link = ("--superlink", f"https://127.0.0.1:{port}", "--root-certificates", "ca.pem", *TRAINING)
    bench.start("a", COHORT, "site", folder / "a", *link, "--dataset", 301, "--policy", "policy.yaml")
    bench.start("b", COHORT, "site", "--key", "keys/b.key", "--folder", "sites/b", *link, "--dataset", 302)
    output = bench.folder / "sent"
    output.mkdir()
    start = time.monotonic()
    log = bench.run("flwr", "run", HERE / "segmentation", "bench", "--stream", "--run-config",
                    f'output="{output}" num-server-rounds={rounds}')
    seconds = time.monotonic() - start
    (bench.folder / "logs/run").write_text(log)
    assert (output / "final.npz").exists(), log
    final, initial = numpy.load(output / "final.npz"), numpy.load(output / "initial.npz")
    sent = [numpy.load(file) for file in sorted(output.glob(f"round{rounds}-*.npz"))]
    assert len(sent) == 2 and sorted(final) == sorted(initial) and "decoder.seg_layers.0.weight" in final, final.files
    examples = numpy.array([int(site["examples"]) for site in sent], numpy.float64)
    worst = 0.0
    for name in final:
        mean = sum(site[name] * share for site, share in zip(sent, examples / examples.sum()))
        worst = max(worst, float(numpy.abs(final[name] - mean).max()))
    assert worst < 1e-6, worst
    # Training has moved all but the head of the lowest resolution, which weighs nothing in nnU-Net's loss.
    lowest = {"decoder.seg_layers.0.weight", "decoder.seg_layers.0.bias"}
    for one, other in ((final, initial), (sent[0], sent[1])):
        equal = {name for name in final if numpy.array_equal(one[name], other[name])}
        assert equal == lowest, equal
    dice = json.loads((output / "evaluation.json").read_text())[str(rounds)]["dice"]
    # The app's last question lets each site keep the last model.
    assert len(list(bench.folder.rglob("checkpoint_final.pth"))) == 2
    # What left is listed at the sites: joining, updates, evaluations and two words at the end; the first weights at one.
    lines = [len(file.read_text().splitlines()) for file in
             ((folder / "a/superlink/egress.jsonl"), bench.folder / "sites/b/egress.jsonl")]
    assert sorted(lines) == [2 * rounds + 3, 2 * rounds + 5], lines
    return (f"{len(final.files)} tensors, from the weighted mean of what they sent at most {worst:.1e}; "
            f"Dice {dice:.3f}; {seconds:.1f} s for the whole run")


class Study:
    """A `cohort server`, and the one who hands runs in."""

    def __init__(self, bench: Bench, *sites: str):
        self.bench = bench
        self.folder, self.port = kits(bench, *sites)
        self.start()

    def start(self) -> None:
        self.server = self.bench.start("server", COHORT, "server", self.folder / "server", "--host", "127.0.0.1")
        wait_for_port(self.port)

    def ask(self, command: str, *arguments: object) -> str:
        return self.bench.run(COHORT, command, *arguments, "--kit", self.folder / "ada@example.org")

    def node(self, command: str, *arguments: object) -> str:
        return self.bench.run(COHORT, "server", command, *arguments, "--folder", self.folder / "server")

    def supernode(self, name: str, target: float, examples: int) -> Popen:
        root = next((self.folder / "server").rglob("authority.pem"))
        shutil.copy(root, self.bench.folder / "ca.pem")
        return self.bench.supernode(name, self.port, target, examples)

    def restart(self) -> None:
        """Kills the server in the middle of what it does, and starts it again."""
        self.server.kill()
        self.server.wait()
        self.start()

    def submit(self, run: str, meanwhile: Callable[[str], None] = lambda number: None) -> None:
        """Hands a run in, and takes it home when it has ended."""
        (self.bench.folder / "run.yaml").write_text(run)
        number = self.ask("submit", "run.yaml").split()[1].rstrip(":")
        meanwhile(number)

        def has_ended() -> bool:
            status = self.ask("status")
            line = next(line for line in status.splitlines() if line.split()[:1] == [number])
            if ": failed" in status:
                raise RuntimeError(status)
            return ": finished" in line

        wait_until(has_ended, f"run {number} has ended")
        self.ask("download", number, "-o", f"home{number}")

    def audit(self) -> str:
        return (self.folder / "server/state/audit.jsonl").read_text()


def supernodes_in_a_run_of_cohorts(bench: Bench) -> str:
    """Two stock SuperNodes with a Python app in a run of `cohort server`, which is killed, and then shuts one out:"""
    fab, initial = bench.app()
    study = Study(bench, "unused")
    run = ("name: flower\n"
           "sites: [{name: a, flower: true}, {name: b, flower: true}]\n"
           f"flower: {{fab: '{fab}', initial: '{initial}'}}\n"
           f"training: {{rounds: {ROUNDS}}}\n")
    try:
        study.submit(run)
        raise AssertionError("a run of nodes that nobody has registered was taken in")
    except RuntimeError as error:
        assert "No key is registered for the node a" in str(error), error
    for name in "ab":
        bench.signing_key(name)
    study.node("register-node", "a", "keys/a.pub")
    study.node("register-node", "b", "ssh/b.pub")
    nodes = [study.supernode(*each) for each in zip("ab", TARGETS, EXAMPLES)]
    time.sleep(5)
    assert all(node.poll() is None for node in nodes), "a node does not wait for its run"

    def kill(number: str) -> None:
        wait_until(lambda: "round 1/" in study.ask("logs", number), "the first round has ended")
        time.sleep(2)
        study.restart()

    study.submit(run, kill)
    bench.run(PEER, "expect", "--targets", ",".join(map(str, TARGETS)), "--examples", ",".join(map(str, EXAMPLES)),
              "--rounds", ROUNDS, "--model", "home1/model.safetensors")
    study.node("unregister-node", "b")
    # A stock node ends itself when it is not let in.
    wait_until(lambda: nodes[1].poll() is not None, "the node that was shut out has ended")
    assert nodes[0].poll() is None, "the other node has ended too"
    audit = study.audit()
    for line in ("registered the key", "unregistered the node b", "Its signature is missing, wrong, too old"):
        assert line in audit, (line, audit)
    return f"{ROUNDS} rounds, every weight {EXPECTED}"


def a_supernode_beside_an_nnunet(bench: Bench) -> str:
    """A `cohort site` that trains an nnU-Net and a stock SuperNode in one run of `cohort server`:"""
    phantoms(bench, 301)
    fab, _ = bench.app()
    study = Study(bench, "hospital")
    bench.signing_key("radboud")
    study.node("register-node", "radboud", "ssh/radboud.pub")
    bench.start("hospital", COHORT, "site", study.folder / "hospital")
    study.supernode("radboud", 0, 4)
    study.submit(
        "name: both\n"
        "sites: [{name: hospital, dataset: 301, threads: 1}, {name: radboud, flower: true}]\n"
        f"flower: {{fab: '{fab}'}}\n"
        "training: {rounds: 2, iterations_per_epoch: 2, validation_iterations_per_epoch: 1, batch_size: 2, "
        "precision: fp32}\n"
        "device: cpu\n")
    rounds = [json.loads(line) for line in (bench.folder / "home1/metrics.jsonl").read_text().splitlines()]
    trained = [line for line in rounds if line["round"] > 0]
    assert len(trained) == 2 and all(len(line["sites"]) == 2 for line in trained), rounds
    models = list((bench.folder / "home1").rglob("checkpoint_final.pth"))
    assert len(models) == 1 and "Dataset301_H301" in str(models[0]), models
    return "2 rounds with both; the model is an nnU-Net's"

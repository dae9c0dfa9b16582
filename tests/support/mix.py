"""Fleets of several kinds at once: topics, queues in every ack mode, receipts and transactions.

Each kind is a teal-load of its own with its share of the clients, so that each checker judges one
kind. `Mix.clean` demands zeros of all, `Mix.results` leaves the judging to its caller.
"""

import os
import random

import teal
from checks import require

LONG = os.environ.get("TEAL_LONG") == "1"

KINDS = {
    "topics": {"topics": "mixed", "receipts": True},
    "transactions": {"topics": "mixed", "receipts": True, "transactions": 30},
    "auto": {"topics": "own", "queues": 4, "queue_percent": 50, "ack": "auto", "receipts": True},
    "client": {"topics": "mixed", "queues": 4, "queue_percent": 50, "ack": "client",
               "receipts": True, "transactions": 20, "subprotocol": "v11.stomp"},
    "individual": {"topics": "shared", "queues": 4, "queue_percent": 50,
                   "ack": "client-individual"},
}


def dice(test):
    """Random moments; the seed is printed, so that a failure can be tried again."""
    seed = int(os.environ.get("TEAL_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"# {test}: TEAL_SEED={seed}", flush=True)
    return random.Random(seed)


class Mix:
    """`clients` in all, spread over `kinds`; `more` goes to every teal-load. With `missing`, each
    writes what did not come to a file of its own, whose path is put there by kind."""

    def __init__(self, scene, url, clients, rate=5, kinds=None, missing=None, **more):
        kinds = kinds or KINDS
        share = clients // len(kinds)
        self.clients = share * len(kinds)
        self.loads = {}
        for name, options in kinds.items():
            if missing is not None:
                missing[name] = more["missing"] = os.path.join(scene.folder, f"missing-{name}")
            self.loads[name] = teal.Load(scene, url, name="load-" + name, clients=share,
                                         rate=rate, quiet=True, **{**options, **more})

    def await_sending(self):
        for load in self.loads.values():
            load.await_sending()
        return self

    def results(self, timeout=90):
        """{kind: (exit status, result)} when all have ended."""
        for load in self.loads.values():
            load.interrupt()
        return {name: load.collect(timeout) for name, load in self.loads.items()}

    def clean(self, results=None):
        """Zeros of every kind; what was sent and received, summed. `results`: of one that ended."""
        results = results or self.results()
        for name, (status, result) in results.items():
            bad = {key: result[key] for key in ("disconnected", "lost", "duplicated", "reordered",
                                                "errors") if result[key]}
            require(not bad and status == 0,
                    f"{name}: exit {status}, counted {bad} of {result['sent']} sent: "
                    f"{result['violations'][:3]} {result['reasons'][:3]}")
            require(result["sent"] > 0 and result["received"] > 0, f"{name}: nothing was sent")
        return {key: sum(result[key] for _, result in results.values())
                for key in ("sent", "received", "redelivered", "unconfirmed")}

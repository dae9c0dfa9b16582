"""stomp.py over TCP or WebSocket (a fourth word, `ws`). See README.md."""

import json
import os
import select
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))

import stomp
from stomp.adapter.ws import WSStompConnection

HOST, PORT, NAME = sys.argv[1], int(sys.argv[2]), sys.argv[3]
OVER = sys.argv[4] if len(sys.argv) > 4 else "tcp"


class Ear(stomp.ConnectionListener):
    def __init__(self):
        self.topic, self.queue, self.errors = [], [], []
        self.connects = self.confirmed = 0
        self.ending = False
        self.receipt = threading.Condition()

    def on_connecting(self, host_and_port):
        self.connects += 1

    def on_message(self, frame):
        if frame.headers["destination"].startswith("/topic/"):
            self.topic.append(int(frame.body))
        else:
            self.queue.append(int(frame.body))
            connection.ack(frame.headers["ack"])

    def on_receipt(self, frame):
        with self.receipt:
            self.confirmed += 1
            self.receipt.notify()

    def on_error(self, frame):
        self.errors.append(f"ERROR {frame.headers.get('message')}")

    def on_heartbeat_timeout(self):
        self.errors.append("heart-beat timeout")

    def on_disconnected(self):
        if not self.ending:
            self.errors.append("disconnected")
            connection.connect("guest", "guest", wait=True)  # as the library's documentation has it


how = {"heartbeats": (1000, 1000), "reconnect_attempts_max": 50, "reconnect_sleep_initial": 0.01}
connection = (WSStompConnection([(HOST, PORT)], ws_path="/ws", **how) if OVER == "ws"
              else stomp.Connection12([(HOST, PORT)], **how))
ear = Ear()
connection.set_listener("ear", ear)
connection.connect("guest", "guest", wait=True)
connection.subscribe(f"/topic/{NAME}", id="t", ack="auto", headers={"receipt": "s1"})
connection.subscribe(f"/queue/{NAME}", id="q", ack="client-individual", headers={"receipt": "s2"})
with ear.receipt:
    ear.receipt.wait_for(lambda: ear.confirmed == 2, 20)
sent = 0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    sent += 1
    connection.send(f"/topic/{NAME}" if sent % 2 else f"/queue/{NAME}", str(sent), receipt=f"r{sent}")
    with ear.receipt:
        ear.receipt.wait_for(lambda: ear.confirmed == sent + 2, 20)
deadline = time.monotonic() + 20
while len(ear.topic) + len(ear.queue) < sent and time.monotonic() < deadline:
    time.sleep(0.02)
ear.ending = True
confirmed = ear.confirmed - 2
connection.disconnect()
print(json.dumps({"sent": sent, "confirmed": confirmed, "topic": ear.topic, "queue": ear.queue,
                  "reconnects": ear.connects - 1, "errors": ear.errors}), flush=True)

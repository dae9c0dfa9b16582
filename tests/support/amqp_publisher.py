"""Publishes to topics of a RabbitMQ node by AMQP, beside any gateway, until its stdin closes.

usage: amqp_publisher.py PORT TOPICS RATE [equal]
Message n goes to `common` where n is a multiple of ten, else to `own.K`, K = n modulo TOPICS; its
body is "p n", or always "same". Each is confirmed before the next; what the broker nacked is said
at the end: one line of JSON {"published": N, "nacked": [n, ..]} on stdout. Needs pika (Debian's
python3-pika), so it runs as a program of its own.
"""

import json
import select
import sys
import time

import pika
from pika.exceptions import NackError


def main():
    port, topics, rate = (int(word) for word in sys.argv[1:4])
    equal = sys.argv[4:] == ["equal"]
    channel = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)).channel()
    channel.confirm_delivery()
    nacked, n, began = [], 0, time.monotonic()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        due = began + n / rate - time.monotonic()
        if due > 0:
            time.sleep(due)
        n += 1
        key = "common" if n % 10 == 0 else f"own.{n % topics}"
        try:
            channel.basic_publish("amq.topic", key, b"same" if equal else b"p %d" % n)
        except NackError:
            nacked.append(n)
    print(json.dumps({"published": n, "nacked": nacked}), flush=True)


if __name__ == "__main__":
    main()

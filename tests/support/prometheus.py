"""A real Prometheus (Debian's package) that scrapes a gateway every second and evaluates rules."""

import json
import os
import re
import urllib.parse

from checks import eventually, require
from debian import installed
from processes import Process, free_port
from teal import http_json


class Prometheus:
    def __init__(self, scene, gateway, rules=None, token_file=None):
        installed("prometheus")
        self.port = free_port()
        folder = os.path.join(scene.folder, "prometheus")
        os.makedirs(folder)
        job = {"job_name": "teal", "static_configs": [{"targets": [f"127.0.0.1:{gateway.admin_port}"]}]}
        if token_file:
            job["authorization"] = {"credentials_file": token_file}
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "scrape_configs": [job]}
        if rules:
            with open(rules) as file:
                text = file.read()
            with open(f"{folder}/rules.yaml", "w") as file:
                # In a copy: nobody waits for half an hour here.
                file.write(re.sub(r"^( +for:) .*$", r"\1 1s", text, flags=re.M))
            config["rule_files"] = [f"{folder}/rules.yaml"]
        with open(f"{folder}/prometheus.yaml", "w") as file:  # JSON is YAML
            json.dump(config, file)
        self.process = scene.own(Process("prometheus", [
            "prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}"], folder))
        self.process.await_true(self.is_ready, 60, "ready")

    def is_ready(self):
        try:
            return http_json(self.port, "GET", "/-/ready")[0] == 200
        except OSError:
            return False

    def query(self, text):
        """The vector: a list of (labels, value)."""
        status, _, answer = http_json(self.port, "GET", "/api/v1/query?" + urllib.parse.urlencode({"query": text}))
        require(status == 200 and answer["status"] == "success", f"{text}: {status} {answer}")
        result = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [({}, float(result[1]))]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def await_query(self, text, timeout=60):
        return eventually(lambda: self.query(text), timeout, text)

    def firing(self):
        return sorted({labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')})

    def await_firing(self, alert, timeout=60):
        eventually(lambda: alert in self.firing(), timeout, f"{alert} fires")

    def await_quiet(self, alert, timeout=60):
        eventually(lambda: alert not in self.firing(), timeout, f"{alert} is over")

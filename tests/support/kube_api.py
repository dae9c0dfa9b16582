"""A real kube-apiserver over a real etcd, both on loopback: it decodes, defaults, validates and admits what
it is sent. Nothing schedules or runs the objects.
"""

import json
import ssl
import urllib.error
import urllib.request

import go_tools
from certificates import openssl
from checks import eventually, require
from debian import installed
from processes import Process, free_port

TOKEN = "an-operator-of-this-test"


class KubeApi:
    def __init__(self, scene):
        server = go_tools.kube_apiserver()
        installed("etcd-server", "etcd")
        folder = scene.folder
        etcd, peers, self.port = free_port(), free_port(), free_port()
        scene.own(Process("etcd", ["etcd", "--data-dir", f"{folder}/etcd", "--listen-client-urls", f"http://127.0.0.1:{etcd}",
                                   "--advertise-client-urls", f"http://127.0.0.1:{etcd}", "--listen-peer-urls",
                                   f"http://127.0.0.1:{peers}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peers}",
                                   "--initial-cluster", f"default=http://127.0.0.1:{peers}", "--unsafe-no-fsync"], folder))
        openssl("genrsa", "-out", f"{folder}/accounts.key", "2048")
        with open(f"{folder}/tokens.csv", "w") as file:
            file.write(f'{TOKEN},operator,1,"system:masters"\n')
        self.process = scene.own(Process("kube-apiserver", [
            server, f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1", f"--secure-port={self.port}",
            f"--cert-dir={folder}/certificates", "--service-cluster-ip-range=10.0.0.0/24",
            f"--service-account-key-file={folder}/accounts.key", f"--service-account-signing-key-file={folder}/accounts.key",
            "--service-account-issuer=https://teal.invalid", f"--token-auth-file={folder}/tokens.csv",
            # Nobody makes service accounts here.
            "--disable-admission-plugins=ServiceAccount", "--authorization-mode=RBAC", "--endpoint-reconciler-type=none"], folder))
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.process.await_true(self.is_ready, 180, "ready")
        self.plurals = {}

    def is_ready(self):
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, kind="application/yaml"):
        """(status, answer as JSON or text, the Warning headers)."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method, data=body and body.encode(),
                                         headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": kind, "Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
                status, headers, text = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            status, headers, text = refused.code, refused.headers, refused.read().decode()
        value = json.loads(text) if "json" in headers.get("Content-Type", "") else text
        return status, value, headers.get_all("Warning") or []

    def create(self, path, body, kind="application/yaml"):
        status, value, _ = self.ask("POST", path, body, kind)
        require(status == 201, f"POST {path}: {status} {value.get('message') if isinstance(value, dict) else value}")
        return value

    def define(self, text):
        """A CustomResourceDefinition; returns when its kind is served."""
        made = self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", text)
        name = made["metadata"]["name"]

        def served():
            now = self.ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")[1]
            return any(one["type"] == "Established" and one["status"] == "True" for one in (now.get("status") or {}).get("conditions") or [])
        eventually(served, 60, f"{name} established")
        spec = made["spec"]
        for version in (one["name"] for one in spec["versions"] if one["served"]):
            root = f"/apis/{spec['group']}/{version}"
            eventually(lambda root=root: self.ask("GET", root)[0] == 200, 60, root)

    def path_of(self, version, kind, namespace):
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if version not in self.plurals:
            status, found, _ = self.ask("GET", root)
            require(status == 200, f"the API server knows no {version}")
            self.plurals[version] = {one["kind"]: one for one in found["resources"] if "/" not in one["name"]}
        require(kind in self.plurals[version], f"{version} has no {kind}")
        one = self.plurals[version][kind]
        return f"{root}/namespaces/{namespace}/{one['name']}" if one["namespaced"] else f"{root}/{one['name']}"

    def accepts(self, version, kind, namespace, body, content="application/yaml"):
        """Everything but storing it, and no field that is unknown or there twice. What would be stored."""
        status, value, warnings = self.ask("POST", self.path_of(version, kind, namespace) + "?dryRun=All&fieldValidation=Strict",
                                           body, content)
        require(status == 201, f"{kind}: {status} {value.get('message') if isinstance(value, dict) else value}")
        require(not warnings, f"{kind}: {warnings}")
        return value

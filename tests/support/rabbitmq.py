"""RabbitMQ nodes of a test's own: no service, own ports, folders, cookie, names and epmd.

A farm has one epmd on a port of its own and any number of nodes; nodes are alone until one is told
to join another. Debian's wrapper in /usr/sbin changes the user and reads the system's folders, so
the scripts behind it are called; every path they would take from the system is given.
"""

import os
import secrets
import shutil
import subprocess
import time

from checks import Failure, Skip
from outside_broker import OutsideBroker
from processes import Process, can_connect, free_port

SCRIPTS = "/usr/lib/rabbitmq/bin"


def require_installed():
    if not os.path.exists(f"{SCRIPTS}/rabbitmq-server") or not shutil.which("epmd"):
        raise Skip("rabbitmq-server is not installed")


def node_name(name):
    return f"teal-{name}@localhost"


class Node(OutsideBroker):
    """One node; its STOMP listener is `stomp_port`, Web STOMP is `web_port` (path /ws). `wrap`: what its
    commands are run with, for a version that is installed elsewhere (rabbitmq4)."""

    def __init__(self, farm, name, cluster=(), wrap=(), tls=None):
        """`tls`: (an Authority, a Pair): `secure_port`, `secure_web_port` are within TLS, and want a
        certificate of that authority."""
        self.wrap = list(wrap)
        self.name = "rabbit-" + name
        self.node_name = node_name(name)
        self.folder = os.path.join(farm.folder, self.name)
        self.stomp_port, self.web_port, self.amqp_port, dist = (free_port() for _ in range(4))
        os.makedirs(self.folder)
        self._write_files(farm.cookie, cluster, tls)
        self.env = self._environment(farm.epmd_port, dist)
        self.start()

    def _write_tls(self, file, authority, pair):
        self.secure_port, self.secure_web_port = free_port(), free_port()
        file.write(f"stomp.listeners.ssl.1 = 127.0.0.1:{self.secure_port}\n"
                   f"web_stomp.ssl.port = {self.secure_web_port}\n"
                   "web_stomp.ssl.ip = 127.0.0.1\n"
                   "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n")
        for section in ("ssl_options", "web_stomp.ssl"):
            file.write(f"{section}.cacertfile = {authority.file}\n"
                       f"{section}.certfile = {pair.certificate}\n"
                       f"{section}.keyfile = {pair.key}\n")

    def _write_files(self, cookie, cluster, tls=None):
        home = self.folder
        with open(f"{home}/.erlang.cookie", "w") as file:
            file.write(cookie)
        os.chmod(f"{home}/.erlang.cookie", 0o400)
        with open(f"{home}/enabled_plugins", "w") as file:
            file.write("[rabbitmq_stomp,rabbitmq_web_stomp].\n")
        open(f"{home}/env.conf", "w").close()
        with open(f"{home}/rabbitmq.conf", "w") as file:
            file.write(f"listeners.tcp.default = 127.0.0.1:{self.amqp_port}\n"
                       f"stomp.listeners.tcp.1 = 127.0.0.1:{self.stomp_port}\n"
                       f"web_stomp.tcp.ip = 127.0.0.1\n"
                       f"web_stomp.tcp.port = {self.web_port}\n"
                       "log.file = false\nlog.console = true\nlog.console.level = info\n"
                       "vm_memory_high_watermark.absolute = 1GB\n"
                       "disk_free_limit.absolute = 20MB\n")
            if tls:
                self._write_tls(file, *tls)
            if cluster:
                # They find each other while they start; nobody is told by rabbitmqctl.
                file.write("cluster_formation.peer_discovery_backend = classic_config\n"
                           "cluster_formation.randomized_startup_delay_range.min = 0\n"
                           "cluster_formation.randomized_startup_delay_range.max = 1\n")
                file.writelines(f"cluster_formation.classic_config.nodes.{number} = "
                                f"{node_name(one)}\n" for number, one in enumerate(cluster, 1))

    def _environment(self, epmd_port, dist):
        home = self.folder
        # Schedulers that spin would take the two cores from the gateway under test.
        erl_args = "+sbwt none +sbwtdcpu none +sbwtdio none"
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": home,
            "ERL_EPMD_PORT": str(epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node_name, "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_CONF_ENV_FILE": f"{home}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia", "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_SCHEMA_DIR": f"{home}/schema", "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/generated",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erl_args,
        }

    def start(self):
        self.process = Process(self.name, [*self.wrap, f"{SCRIPTS}/rabbitmq-server"], self.folder, self.env)

    def listening_ports(self):  # those of plugins open last
        return [self.stomp_port, self.web_port]

    def ctl(self, *words, timeout=60):
        """rabbitmqctl on this node; its output, or Failure."""
        done = subprocess.run([*self.wrap, f"{SCRIPTS}/rabbitmqctl", "-q", "-n", self.node_name, *words],
                              env=self.env, cwd=self.folder, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failure(f"rabbitmqctl {' '.join(words)}: {done.stdout.strip()[-300:]}")
        return done.stdout

    def add_user(self, name, password, configure=".*", write=".*", read=".*"):
        self.ctl("add_user", name, password)
        self.ctl("set_permissions", "-p", "/", name, configure, write, read)

    def join(self, other):
        """Makes this node a member of the cluster that `other` is in."""
        self.ctl("stop_app")
        self.ctl("join_cluster", other.node_name)
        self.ctl("start_app")
        self.await_ready()

    def kill(self):
        self.process.kill()

    def stop(self):
        # SIGTERM to the script asks rabbitmqctl for help, which takes seconds: data is thrown
        # away with the folder, so the node is ended as a whole.
        self.process.kill()

    def tail(self):
        return self.process.tail(25)


class Farm:
    """Nodes and the epmd they share."""

    def __init__(self, scene):
        require_installed()
        self.folder = scene.folder
        self.cookie = secrets.token_hex(10).upper()
        self.epmd_port = free_port()
        env = {"PATH": "/usr/bin:/bin", "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self.epmd = scene.own(Process("epmd", ["epmd", "-port", str(self.epmd_port)],
                                      scene.folder, env))
        self.scene = scene
        self.epmd.await_true(lambda: can_connect(self.epmd_port), 10, "listening")

    def nodes(self, *names):
        """Starts the nodes side by side and waits for all."""
        return self.await_ready(self.begin(*names))

    def begin(self, *names, cluster=False, wrap=()):
        """Starts them and does not wait; `cluster`: as members of one."""
        return [self.scene.own(Node(self, name, names if cluster else (), wrap)) for name in names]

    def await_ready(self, nodes, timeout=150):
        started = time.monotonic()
        for node in nodes:
            node.await_ready(max(1, timeout - (time.monotonic() - started)))
        return nodes

    def await_cluster(self, nodes):
        """Waits for all, and for the proof: what is SENT at each is brought at each other."""
        self.await_ready(nodes)
        clients = [node.client() for node in nodes]
        for client in clients:
            client.subscribe("s", "/topic/teal.one.cluster")
        for number, client in enumerate(clients):
            client.confirmed("SEND", {"destination": "/topic/teal.one.cluster"}, b"%d" % number)
        for client in clients:
            came = sorted(client.message().body for _ in clients)
            if came != [b"%d" % number for number in range(len(clients))]:
                raise Failure(f"the nodes are no cluster: {came}")
            client.close()
        return nodes

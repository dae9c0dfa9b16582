"""Apache Artemis brokers of a test's own, as `artemis create` makes them: own ports and folders.

The archive comes from Maven Central, once, and is unpacked into build/artemis. STOMP and STOMP over
WebSocket share one port. By default the acceptor says what its documentation advises for STOMP,
/queue/ and /topic/ in front of what one or all consumers get; `acceptor=""` is as created.
"""

import glob
import os
import re
import shutil
import subprocess
import tarfile

from activemq import maven, require_java
from checks import Failure, Skip
from outside_broker import OutsideBroker, start_all
from processes import Process, free_port
from teal import ROOT

VERSION = "2.44.0"
HOME = os.path.join(ROOT, "build/artemis", f"apache-artemis-{VERSION}")
ARCHIVE = f"org.apache.activemq:apache-artemis:{VERSION}:tar.gz:bin"
PREFIXES = "anycastPrefix=/queue/;multicastPrefix=/topic/"
PERMISSIONS = ("createNonDurableQueue", "deleteNonDurableQueue", "createDurableQueue",
               "deleteDurableQueue", "createAddress", "deleteAddress", "consume", "browse", "send",
               "manage", "view", "edit")


def install(seconds=300):
    """Skip, with the reason, where that cannot be done here."""
    require_java()
    if os.path.exists(f"{HOME}/bin/artemis"):
        return
    folder = os.path.dirname(HOME)
    part = os.path.join(folder, "part")
    os.makedirs(part, exist_ok=True)
    maven(["dependency:get", f"-Dartifact={ARCHIVE}", "-Dtransitive=false"], part, seconds)
    maven(["dependency:copy", f"-Dartifact={ARCHIVE}", f"-DoutputDirectory={part}"], part, seconds)
    archive = glob.glob(f"{part}/*.tar.gz")
    if not archive:
        raise Skip("mvn gave no archive of Artemis")
    with tarfile.open(archive[0]) as packed:
        packed.extractall(part)
    # In one step, so that what was unpacked in part is never taken for all of it.
    os.rename(os.path.join(part, os.path.basename(HOME)), HOME)
    shutil.rmtree(part)


class Broker(OutsideBroker):
    """`users`: {name: (password, role)}; `security`: {match: {permission: "role,role"}} beside
    the role amq, which may do everything; `settings`: XML in the address-setting of all."""

    web_path = "/stomp"

    def __init__(self, scene, name, users=None, security=None, settings="", acceptor=PREFIXES):
        install()
        self.name, self.scene = "artemis-" + name, scene
        self.port = self.stomp_port = self.web_port = free_port()
        self.folder = os.path.join(scene.folder, self.name)
        self.users = users or {"guest": ("guest", "amq")}
        self.security, self.settings, self.acceptor = security or {}, settings, acceptor
        self._create()
        self.start()

    def _create(self):
        done = subprocess.run(
            [f"{HOME}/bin/artemis", "create", self.folder, "--user", "guest", "--password", "guest",
             "--require-login", "--host", "127.0.0.1", "--no-autotune", "--nio", "--silent",
             "--no-web", "--no-amqp-acceptor", "--no-hornetq-acceptor", "--no-mqtt-acceptor"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            env={**os.environ, "JAVA_ARGS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"})
        if done.returncode:
            raise Failure("artemis create: " + (done.stdout + done.stderr)[-500:])
        etc = os.path.join(self.folder, "etc")
        with open(f"{etc}/artemis-users.properties", "w") as file:
            file.writelines(f"{user} = {word}\n" for user, (word, _) in self.users.items())
        roles = {}
        for user, (_, role) in self.users.items():
            roles.setdefault(role, []).append(user)
        with open(f"{etc}/artemis-roles.properties", "w") as file:
            file.writelines(f"{role} = {','.join(who)}\n" for role, who in roles.items())
        with open(f"{etc}/broker.xml") as file:
            text = file.read()
        more = ";" + self.acceptor if self.acceptor else ""
        text, count = re.subn(
            r"<acceptors>.*</acceptors>",
            '<acceptors><acceptor name="stomp">tcp://127.0.0.1:'
            f"{self.port}?protocols=STOMP;useEpoll=true{more}</acceptor></acceptors>",
            text, flags=re.S)
        text = text.replace("</security-settings>", self._security() + "</security-settings>")
        text = text.replace('<address-setting match="#">',
                            '<address-setting match="#">' + self.settings)
        text = text.replace("<journal-datasync>true", "<journal-datasync>false")
        if count != 1:
            raise Failure("broker.xml has other acceptors than expected")
        with open(f"{etc}/broker.xml", "w") as file:
            file.write(text)

    def _security(self):
        text = ""
        for match, granted in self.security.items():
            text += f'<security-setting match="{match}">'
            for permission in PERMISSIONS:
                roles = ",".join(filter(None, ["amq", granted.get(permission)]))
                text += f'<permission type="{permission}" roles="{roles}"/>'
            text += "</security-setting>"
        return text

    def start(self):
        java = ("-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.disableJmx=true "
                "--add-opens java.base/jdk.internal.misc=ALL-UNNAMED")
        self.process = self.scene.own(Process(
            self.name, [f"{self.folder}/bin/artemis", "run"], self.scene.folder,
            {**os.environ, "JAVA_ARGS": java}))
        return self

    def manage(self, operation, resource="broker", arguments=b"[]"):
        """The text of the answer to one call of the management API, which STOMP reaches."""
        client = self.client()
        client.subscribe("m", "teal.management.answers", **{"subscription-type": "MULTICAST"})
        client.send("SEND", {"destination": "activemq.management", "reply-to":
                             "teal.management.answers", "_AMQ_ResourceName": resource,
                             "_AMQ_OperationName": operation, "content-type": "text/plain"},
                    arguments)
        answer = client.message()
        client.close()
        return answer.body.decode()


def start(scene, *names, **options):
    """Side by side; waits for all."""
    return start_all(Broker, scene, *names, **options)

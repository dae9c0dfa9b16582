#!/usr/bin/env python3
"""A bill of materials (CycloneDX 1.5, JSON) of a root file system: sbom.py STATUS, where STATUS is dpkg's
/var/lib/dpkg/status of it.
"""

import json
import re
import sys
import urllib.parse


def components(status):
    for paragraph in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.M))
        if fields.get("Status") != "install ok installed":
            continue
        name, version, machine = (fields[key] for key in ("Package", "Version", "Architecture"))
        purl = f"pkg:deb/debian/{name}@{urllib.parse.quote(version, safe='.~')}?arch={machine}&distro=debian-12"
        yield {"type": "application" if name == "teal" else "library", "bom-ref": purl, "name": name, "version": version,
               "purl": purl, "description": fields.get("Description", ""),
               "supplier": {"name": re.sub(r" <.*", "", fields.get("Maintainer", ""))}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = sorted(components(file.read()), key=lambda one: one["name"])
    teal = next((one for one in found if one["name"] == "teal"), None)
    if not teal:
        sys.exit("sbom.py: the package teal is not in it")
    json.dump({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": teal},
               "components": [one for one in found if one is not teal],
               "dependencies": [{"ref": teal["bom-ref"], "dependsOn": [one["bom-ref"] for one in found if one is not teal]}]},
              sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

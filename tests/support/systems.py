"""What a switch did at one system: tests/conformance/systems makes docs/systems.md of these notes."""

import json
import os

from teal import ROOT

FOLDER = os.path.join(ROOT, "build/systems")


def note(system, clients, reports, words):
    """`reports`: of the switches, as the admin API gives them. `words`: what a switch carries over
    and what it cannot, a sentence or two."""
    os.makedirs(FOLDER, exist_ok=True)
    name = "".join(one if one.isalnum() else "-" for one in system.lower())
    counted = sorted({strip(sentence) for report in reports for sentence in report["counted"]})
    facts = {
        "system": system, "clients": clients, "switches": len(reports), "words": words,
        "exit": sorted({6 if report["counted"] else 0 for report in reports}),
        "took_ms": max(report["duration_ms"] for report in reports),
        "held_p50_ms": max(report["held_ms"]["p50"] for report in reports),
        "held_max_ms": max(report["held_ms"]["max"] for report in reports),
        "overlap_ms": max(report["overlap"]["ms"] for report in reports),
        "counted": counted}
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        json.dump(facts, file, indent=1)


def strip(sentence):
    """Without its number and its sessions: two runs say the same."""
    words = sentence.split(": session")[0].split()
    return " ".join(words[1:] if words and words[0].isdigit() else words)

"""Decides which records can be deleted, and how risky that would be. Deletes nothing.

Input:  {"records": [...], "olderThanDays": int, "asOf": "YYYY-MM-DD" | "today"}
Output: see the schema of `plan-cleanup` in workflow.ts

The same input gives the same output: the only clock is `asOf`.
"""

import datetime
import json
import math
import os
from collections import Counter

KINDS = ("customer", "session", "invoice")

# How much a deletion of one kind can hurt, reached when a quarter of the kind is deleted: sessions are traces,
# invoices are evidence.
KIND_POINTS = {"customer": 15, "session": 0, "invoice": 20}

GIB = 1024**3


def reason_to_keep(record):
    """Why an old record stays, or None."""
    if record["legalHold"]:
        return "legal hold"
    if record["kind"] == "invoice" and record["status"] == "open":
        return "unpaid invoice"
    if record["kind"] == "customer" and record["status"] == "active":
        return "active customer"
    return None


def assess_risk(selected, kept, records, older_than_days):
    """Points with their reasons. The sum, at most 100, is the risk."""
    reasons = []

    def add(points, text):
        if points > 0:
            reasons.append({"points": points, "text": text})

    if not selected:
        return reasons

    percent = 100 * len(selected) / len(records)
    share = 30 if percent > 50 else 20 if percent > 25 else 10 if percent > 5 else 0
    add(share, f"{percent:.1f} % of all records would be deleted")

    of_kind = Counter(record["kind"] for record in records)
    selected_of_kind = Counter(record["kind"] for record in selected)
    for kind in KINDS:
        count = selected_of_kind[kind]
        if count:
            points = math.ceil(4 * KIND_POINTS[kind] * count / of_kind[kind])
            add(min(KIND_POINTS[kind], points), f"{count} of {of_kind[kind]} {kind} records would be deleted")

    young = 25 if older_than_days < 30 else 15 if older_than_days < 180 else 0
    add(young, f"records count as old after only {older_than_days} days")

    total = sum(record["sizeBytes"] for record in selected)
    add(10 if total > GIB else 0, f"{total / GIB:.2f} GiB would be deleted")

    held = {record["owner"] for record, why in kept if why == "legal hold"}
    near = sorted(held & {record["owner"] for record in selected})
    add(min(15, 3 * len(near)), f"teams with records under legal hold are affected: {', '.join(near)}")
    return reasons


def plan(data, today):
    as_of = today if data["asOf"] == "today" else datetime.date.fromisoformat(data["asOf"])
    older_than_days = data["olderThanDays"]
    cutoff = as_of - datetime.timedelta(days=older_than_days)
    records = data["records"]

    old = [record for record in records if record["lastAccessedAt"][:10] < cutoff.isoformat()]
    judged = [(record, reason_to_keep(record)) for record in old]
    selected = [record for record, why in judged if why is None]
    kept = [(record, why) for record, why in judged if why is not None]

    reasons = assess_risk(selected, kept, records, older_than_days)
    why_kept = Counter(why for _, why in kept)
    return {
        "asOf": as_of.isoformat(),
        "cutoff": cutoff.isoformat(),
        "examined": len(records),
        "count": len(selected),
        "bytes": sum(record["sizeBytes"] for record in selected),
        "ids": sorted(record["id"] for record in selected),
        "byKind": [
            {
                "kind": kind,
                "examined": sum(record["kind"] == kind for record in records),
                "selected": sum(record["kind"] == kind for record in selected),
                "bytes": sum(record["sizeBytes"] for record in selected if record["kind"] == kind),
            }
            for kind in KINDS
        ],
        "kept": [{"reason": why, "count": count} for why, count in sorted(why_kept.items())],
        "risk": min(100, sum(reason["points"] for reason in reasons)),
        "reasons": reasons,
    }


def main():
    with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
        data = json.load(file)
    print(f"examining {len(data['records'])} records", flush=True)
    result = plan(data, datetime.datetime.now(datetime.timezone.utc).date())
    print(f"{result['count']} can be deleted, risk {result['risk']} of 100", flush=True)
    for reason in result["reasons"]:
        print(f"  +{reason['points']}: {reason['text']}", flush=True)
    with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()

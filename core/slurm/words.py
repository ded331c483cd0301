"""Slurm's states and reasons as a user reads them."""

from __future__ import annotations

PENDING = ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "CONFIGURING")
"""States of a job that is to begin, or to begin again."""

ACTIVE = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT")
"""States of a job that is under way (a completing one may yet go back to the queue)."""

REASONS = {
    "Resources": "for free resources",
    "Priority": "other jobs come first",
    "JobArrayTaskLimit": "as many of its array as may work at once are at work",
    "BeginTime": "Slurm starts it again after a pause",
    "Dependency": "for another job",
    "DependencyNeverSatisfied": "for a job that failed: it will never begin",
    "Licenses": "for a licence",
    "Reservation": "for its reservation",
    "ReqNodeNotAvail": "its nodes are down, drained or reserved",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition takes no jobs now",
    "PartitionTimeLimit": "its time limit is longer than the partition allows: it will not begin",
    "PartitionNodeLimit": "the partition has no such nodes: it will not begin",
    "BadConstraints": "no node has what it asks for: it will not begin",
    "JobHeldUser": "it is held: `scontrol release` lets it go on",
    "JobHeldAdmin": "an administrator holds it",
    "InvalidAccount": "its account is not allowed",
    "InvalidQOS": "its quality of service is not allowed",
    "JobLaunchFailure": "it could not be started",
    "Cleaning": "its last start is being cleared away",
    "NodeDown": "its node is down",
}

ENDINGS = {
    "TIMEOUT": "out of time: Slurm ended it at its time limit",
    "DEADLINE": "out of time: Slurm ended it at its deadline",
    "OUT_OF_MEMORY": "out of memory: Slurm killed it",
    "NODE_FAIL": "its node failed",
    "PREEMPTED": "preempted: a job of higher priority took its place",
    "CANCELLED": "cancelled in Slurm",
    "REVOKED": "cancelled in Slurm",
    "BOOT_FAIL": "its node did not start",
    "LAUNCH_FAILED": "its node could not start it",
}
FAILED = "failed in Slurm before it could say why: see Slurm's own output"
GONE = "lost: Slurm does not know it any more"


def reason(word: str) -> str:
    """Why a job waits."""
    first = word.partition(",")[0].strip("() ")
    if first in REASONS:
        return REASONS[first]
    if first.startswith(("QOS", "Assoc", "MaxCpu", "MaxGRES", "MaxMem")):
        return f"a limit of the account or quality of service is reached ({first})"
    if first.startswith("Nodes required for job are DOWN"):
        return REASONS["ReqNodeNotAvail"]
    return word or "it was just handed over"


def ending(state: str, node: str) -> str:
    """How a job ended that did not say so itself."""
    own = ENDINGS.get(state, FAILED)
    return f"{own} ({node})" if node and state in ("NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL") else own

"""What an account has once in a Region: how images are scanned, and how much Fargate it may use."""

from __future__ import annotations

from typing import Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from deploy.rehearsal.derive import CPU

__all__ = ["QUOTA", "SCANNING"]


def _scanning(subject: Subject) -> Answer:
    answer = subject.clients("ecr").get_registry_scanning_configuration()
    scanning = answer["scanningConfiguration"]
    kind, rules = scanning.get("scanType", "BASIC"), scanning.get("rules", [])
    facts: dict[str, object] = {
        "scanType": kind,
        "rules": [
            {
                "scanFrequency": rule.get("scanFrequency", ""),
                "filters": [each.get("filter", "") for each in rule.get("repositoryFilters", [])],
            }
            for rule in rules
        ],
    }
    if kind != "ENHANCED":
        told = "the first environment's registry stack makes it ENHANCED, for the whole Region"
        return Answer(held=(f"scanning is {kind}: {told}",), facts=facts)
    status = subject.clients("inspector2").batch_get_account_status(
        accountIds=[subject.environment.account]
    )
    state = status["accounts"][0]["resourceState"]["ecr"]["status"]
    facts["Inspector"] = state
    if state != "ENABLED":
        words = f"scanning is ENHANCED, but Inspector is {state} for ECR: images are not scanned"
        return Answer(failed=(words,), facts=facts)
    return Answer(held=("scanning is ENHANCED, and Inspector is on for ECR",), facts=facts)


def _quota(subject: Subject) -> Answer:
    pages = subject.clients("service-quotas").get_paginator("list_service_quotas")
    quotas = {
        each["QuotaName"]: each["Value"]
        for page in pages.paginate(ServiceCode="fargate")
        for each in page["Quotas"]
    }
    found = [value for name, value in quotas.items() if "On-Demand" in name and "vCPU" in name]
    needed = subject.workers * CPU
    if not found:
        return Answer(failed=("Service Quotas names no vCPU of Fargate On-Demand",), facts=quotas)
    words = f"Fargate gives {found[0]:g} vCPU on demand; {subject.workers} workers take {needed:g}"
    if found[0] < needed:
        return Answer(failed=(f"{words}: fewer will run",), facts=quotas)
    return Answer(held=(words,), facts=quotas)


SCANNING: Final = Check(
    name="image scanning",
    asks="Which scanning does the registry have, and does Inspector do it?",
    why="The setting is one for an account and Region, and others may own it.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"
        "API_GetRegistryScanningConfiguration.html",
        "https://docs.aws.amazon.com/inspector/v2/APIReference/API_BatchGetAccountStatus.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2516",
    ),
    look=_scanning,
    local=False,
)

QUOTA: Final = Check(
    name="Fargate's quota",
    asks="How many vCPU may Fargate tasks of this account have at once?",
    why="Young accounts have few, and what is above is refused while a session waits.",
    sources=(
        "https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/"
        "API_ListServiceQuotas.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html",
    ),
    look=_quota,
    worker=True,
    local=False,
)

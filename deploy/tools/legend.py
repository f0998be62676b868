"""What each requirement asks for that the tree cites by a code such as S9, in one sentence or two.

Codes come from the documents that the project began with: S from a guide to bursting R work onto
Fargate securely, G from a design of 2011 for scientists with genetic data, P from posts of AWS's
blogs, A from what a second reading of them asked for. Where a document was wrong, the sentence says
what holds here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["LEGEND", "SOURCES", "Requirement"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One row of the legend.

    Attributes:
        code: its letter is its source, one of ``SOURCES``.
        asks: a sentence or two.
        open: what of it is not answered, and why; or where else it is. Empty where all is.
    """

    code: str
    asks: str
    open: str = ""


SOURCES: Final = {
    "S": "A security guide for bursting R work onto Fargate",
    "G": "A design of 2011 for scientists with personal and genetic data on AWS",
    "P": "Posts of AWS's blogs",
    "A": "What a second reading of these found that no row above asks for",
}
"""Where each letter comes from, in the order of the page."""

_S: Final = {
    "S1": "No AWS key stands in code, logs or shared files, and nothing takes one as an argument.",
    "S2": "Work runs under roles, never under keys: one for the task, one for the agent that "
    "starts it, one for who starts it. Their trust names `ecs-tasks.amazonaws.com` for this "
    "account's tasks only, and roles are passed to that service alone.",
    "S3": "A named profile (`AWS_PROFILE`) is taken as it is.",
    "S4": "Without single sign-on a role is assumed with a second factor, for 15 minutes up to the "
    "role's maximum, in a session that names its person.",
    "S5": "The worker's policy grants what workers do and nothing else: no delete, no list. The "
    "guide put `s3:prefix`, which only listing has, on object actions, and so denied them all.",
    "S6": "Objects are encrypted at rest under a rotating key of ours, with SSE-KMS or DSSE-KMS.",
    "S7": "Buckets are versioned, and versions that were replaced expire. Results are written "
    "once.",
    "S8": "All four settings of S3 Block Public Access are on.",
    "S9": "An upload that names another encryption, another key or one of its own is denied. One "
    "without headers gets the bucket's default; the guide's rule denied it.",
    "S10": "Requests without TLS are denied, for the bucket as for its objects, and so is TLS "
    "below 1.2. The guide's rule left out the bucket, so listing over HTTP was allowed.",
    "S11": "Buckets and keys refuse every principal outside the account, or the organization, "
    "where the guide promised this and its policy restricted nobody.",
    "S12": "Workers run in isolated subnets of at least two zones, without a public address. IAM "
    "cannot say in which subnet a task starts, so there is no public one.",
    "S13": "AWS is reached through VPC endpoints. There is no NAT gateway, where the guide had one "
    "if needed.",
    "S14": "The workers' security group has no ingress. Egress is 443 to the endpoints' group and "
    "to S3's prefix list, where the guide opened 443 to the world.",
    "S15": "S3 has a gateway endpoint, whose policy admits this environment's buckets, and the one "
    "from which ECR serves image layers.",
    "S16": "ECR's API (`ecr.api`) has an interface endpoint with private DNS.",
    "S17": "ECR's registry (`ecr.dkr`) has one.",
    "S18": "CloudWatch Logs has one, and so has each other service that is called from the VPC: "
    "ECS, KMS, SQS, SSM, STS. Regions opened since 2023-12-23 ask for two more of ECS.",
    "S19": "A monthly cost budget, 500 USD unless said otherwise, tells people at 50, 80 and 100 % "
    "of what was spent. It lags, so totals stop before it; where an environment says so, a spent "
    "budget freezes its workspace.",
    "S20": "No session has more than 500 workers. The controller enforces it, not the client. What "
    "sessions may have in total is A1.",
    "S21": "Old sessions are ended by a schedule, by an age that the environment sets, where the "
    "guide relied on a person to look for those of more than seven days.",
    "S22": "Every session has an absolute deadline, 86,400 seconds unless it is shorter. ECS has "
    "none for tasks, so the controller stops them, and workers end themselves.",
    "S23": "The cost is said before work begins. 100 workers of 4 vCPU and 8 GB for 2 hours cost "
    "39.50 USD in us-east-1; the guide said 19.84, about the price of one hour.",
    "S24": "CloudTrail records management events of all Regions, with validated and encrypted "
    "files, and the reads and writes of the data bucket's objects.",
    "S25": "Log groups are encrypted, expire after a number of days that CloudWatch accepts, and "
    "are created with the stack: a group that AWS creates never expires. Production keeps 365 days "
    "or more.",
    "S26": "Buckets log their accesses to a bucket of the same account, to which S3 alone "
    "delivers. Delivery is best effort, so the trail (S24) decides.",
    "S27": "Errors and refused calls are found by saved queries, over the workers' logs and over "
    "the trail, and people are told of what should not happen.",
    "S28": "Only what the work needs is sent: a large payload is warned of.",
    "S29": "Cleaning up deletes every version and every delete marker of a session's objects.",
    "S30": "Inputs and results are encrypted by the client, under a data key that KMS makes for "
    "the session and unwraps for its encryption context only. The guide stored the key beside the "
    "data.",
    "S31": "The worker's image is small, built in stages, and runs as a plain user.",
    "S32": "Images are scanned when they are pushed.",
    "S33": "Images expire, but never one in use: untagged ones after 14 days, and tasks name their "
    "image by digest.",
    "S34": "HIPAA: encryption, access control, audit logs, private subnets, eligible services, and "
    "a Business Associate Addendum, which people sign.",
    "S35": "GDPR: data stay in the allowed Regions, are kept for a stated time, processing is "
    "recorded, and a person's data can be erased with a receipt.",
    "S36": "SOC 2: a trail, AWS Config, least privilege, second factors, a review every quarter.",
    "S37": "When credentials are lost: sessions are revoked, work is stopped, the trail is read, "
    "and evidence is held before anything is cleaned up.",
    "S38": "When data are lost: workers are cut off the network, logs and versions are kept, "
    "people are told by a plan that was tried.",
    "S39": "The guide's checklist of 18 items: 13 can be asserted, 5 are yours to do.",
    "S40": "AWS Well-Architected, the CIS benchmark and NIST's framework are linked.",
}
_G: Final = {
    "G1": "Nobody shares a login. People have roles of their own, under a permissions boundary.",
    "G2": "Keys do not lie in home directories, laptops or images: sessions are short, and "
    "`starburst doctor` finds keys that never expire.",
    "G3": "No secret is in version control, but two published ones that open nothing.",
    "G4": "No secret is an argument, an environment variable or an override of a task.",
    "G5": "A test environment holds no protected data, since others can read it.",
    "G6": "Analysts may be held to the networks of their office and VPN. Workers, who have no such "
    "address, must not be locked out by the same rule.",
    "G7": "No security group is open to 0.0.0.0/0, neither inwards nor outwards.",
    "G8": "Everything answers over HTTPS only; a private bucket alone does not bring that.",
    "G9": "The database takes TLS only, and its service user is not root.",
    "G10": "What crosses a network is encrypted, whatever the network keeps apart.",
    "G11": "Objects may be handed out by signed addresses; none is of use after 15 minutes (900 "
    "s).",
    "G12": "The data bucket's accesses are recorded and watched.",
    "G13": "Encryption, key rotation, second factors and a VPC are there from the first day, where "
    "the design put them off.",
    "G14": "People show a second factor. MFA delete can be set by the root user alone, and not "
    "beside lifecycle rules, so Object Lock protects what must stay.",
    "G15": "What comes in is never run: input is checked, images are rebuilt and named by digest, "
    "and egress is closed.",
    "G16": "Work is a container, data are in S3, and the disk between them is encrypted with the "
    "environment's key.",
    "G17": "SNS, SWF, RDS, Elastic Beanstalk and load balancers are there for developers.",
    "G18": "The claim that CloudFormation does not help security.",
}
_P: Final = {
    "P2": "Each week Security Hub's active findings are a CSV that named roles read, and an e-mail "
    "says how many there are; what could not be reported is told as well.",
    "P1": "Only named accounts make instances of IAM Identity Center; all instances, people in "
    "several of them and users of applications are reported, and changes ring. The post's policy "
    "was none, and its report kept one instance of each account.",
    "P4": "A pull request is scanned before a person reads it: bandit's findings of high severity "
    "fail it, the post's `verify=False` among them; CloudFormation's linters and rules, and the "
    "audit of dependencies, do as well.",
    "P5": "An AWS service is let in only for whose sake it acts: `aws:SourceArn`, "
    "`aws:SourceAccount`, or the organization, with a `Null` test beside `ForAllValues`.",
    "P8": "Inspector scans images, functions and their code; what it finds of severity CRITICAL or "
    "HIGH is told, and no session starts on an image with such a finding that nobody waived.",
    "P10": "Each person has a folder, named by the session tag `userName`. Nobody lists the root, "
    "and no tag may hold a `/` or be changed by who wears it.",
    "P11": "Tests run on CodeBuild's Lambda compute, on ARM, within its 15 minutes, and leave "
    "reports of JUnit and coverage.",
    "P13": "Keys live in FIPS 140-3 level 3 hardware and rotate; in FIPS mode clients call FIPS "
    "endpoints.",
    "P14": "Airflow waits for bursts in its triggerer, by deferrable operators, and holds no "
    "worker meanwhile; setup and teardown own what several tasks use.",
    "P15": "What each analyst, session and workspace cost at list price is counted once from ECS's "
    "events, kept as tables, drawn on a dashboard, and compared with the bill.",
    "P16": "Logs lie in a lake as tables that SQL asks, and a custodian of another account may "
    "read them.",
    "P17": "What each role may do is held against what it did: attempts count, and what nobody "
    "tracks never goes.",
    "P18": "Containers run as a plain user, read-only, without capabilities or privilege; nobody "
    "opens a shell in one (ECS Exec); images are scanned, and their tags never move; flows and "
    "changes of tasks are recorded.",
    "P19": "PCI DSS: settings that contradict it are refused, Security Hub's standard looks at the "
    "account, and a matrix says whose each test is and what answers it.",
    "P20": "FINMA 2023/1: settings that contradict it are refused, Regions are pinned, and a "
    "policy of the organization that pins them is proved. Data are classified, and backed up into "
    "a vault that administrators cannot empty.",
}
_A: Final = {
    "A1": "Nothing runs away: what sessions of a person, a workspace and an environment may use in "
    "total, in workers, vCPU, memory and US dollars per hour, day and month, is held by the "
    "controller. Officers freeze and thaw new sessions.",
    "A2": "Officers see all sessions of all users with what they cost so far, stop any, and get a "
    "month's use by workspace and analyst.",
    "A3": "Queries over the trail and the access logs say who read what, which resources are new, "
    "and what was downloaded in a window, by the actor.",
    "A4": "Without single sign-on, a person's access keys and login are disabled by one command; a "
    "key is rotated on demand.",
    "A5": "The security team is told by a contact of its own; without one, no alarm is lost.",
    "A6": "Failed logins of all kinds are found and ring: at the console, by SAML and web "
    "identity, by tokens and keys that are none.",
    "A7": "The data bucket and its key refuse every principal but the kit's roles and those that "
    "settings name, the account's administrators included.",
    "A8": "A project brings its own packages: wheels for a session, and an image for a workspace.",
    "A9": "A record of processing is written from the settings, and the profile gdpr refuses "
    "Regions outside the European Economic Area.",
    "A10": "An audit names IAM users with long-term keys, and people without a second factor.",
    "A11": "An existing VPC takes its owner's security groups by id, which are looked at before "
    "each deployment and by the audit.",
    "A12": "Reads of the data bucket by a stranger, from a network that is not trusted or in an "
    "unusual volume ring an alarm.",
    "A13": "Nobody of the kit changes the firewall; who does ring an alarm, with a trail of the "
    "kit's and with an organization's.",
    "A14": "People look into their own folder without listing anybody else's: from a shell, from "
    "Python, and by a link into AWS's console.",
    "A15": "Who works on a server in the VPC reaches the controller, and all else, by endpoints.",
    "A17": "Users of each application of Identity Center are reported, a change of an instance or "
    "an assignment rings, and who leaves is listed, stopped and kept out by one command.",
    "A18": "Both lock files are audited, and where nobody could be asked that is said and fails; "
    "newer versions are asked for each week, of all that is locked.",
    "A19": "Inspector scans instances where workers run on them; an organization switches it on "
    "for accounts to come by its own administrator.",
    "A21": "People come by permission sets of IAM Identity Center, under a name that it gives and "
    "that no role of theirs can change.",
    "A22": "Each run has measures, and an alarm rings on the one that is chosen.",
    "A23": "The lake's columns are those of OCSF, as a validator judges; a custodian's account "
    "reads it, and never writes.",
    "A24": "A stricter workspace's workers run in a cluster and a group of their own; secrets for "
    "analysts' code go by ARN from their store to workers of their workspace; "
    "misuse of CPU, memory and schedules rings; flows are asked by saved queries.",
    "A25": "An account of card data has no environment without the profile; AWS's attestation is "
    "fetched by people.",
    "A26": "A restore is tried, compared byte by byte and timed against its objective. FINMA's "
    "audit rights, and AWS's addendum that has them, are people's to sign.",
    "A27": "Ages of keys, images and credentials are told, and which of them is due; each month an "
    "alarm has somebody look.",
}
_OPEN: Final = {
    "P11": "Not run in an account: [its buildspecs are run here]"
    "(../tests/delivery/test_buildspecs.py).",
    "A25": "What else the account holds, and the Attestation of Compliance in AWS Artifact: yours.",
    "S36": "AWS Config, and who has a second factor, belong to the account: yours.",
    "S40": "The README links them.",
    "G9": "Does not apply: there is no database.",
    "G11": "Nothing here hands out addresses; only their end is enforced.",
    "G17": "Does not apply: none of them is used, but SNS for alarms.",
    "G18": "Refuted: every rule and theorem here judges CloudFormation's templates.",
}

LEGEND: Final = tuple(
    Requirement(code=code, asks=asks, open=_OPEN.get(code, ""))
    for rows in (_S, _G, _P, _A)
    for code, asks in rows.items()
)
"""Every code that the tree cites."""

"""What an environment is: frozen, typed values that fail before synthesis when they are wrong."""

from stacks.settings.addon import Addon
from stacks.settings.capacity import Ec2Capacity, Instance, Rates
from stacks.settings.environment import (
    Architecture,
    DataClass,
    Environment,
    Feature,
    Pack,
    Purpose,
)
from stacks.settings.identity import (
    BrokerRole,
    IdentityCenter,
    IdentityProvider,
    MfaUsers,
    SamlProvider,
    WorkspaceGroups,
)
from stacks.settings.named.reads import Reads
from stacks.settings.named.secrets import Secret
from stacks.settings.network import Egress, ExistingVpc, Network
from stacks.settings.once import Holding, Single
from stacks.settings.profiles import Activity, Processing, ProfileName
from stacks.settings.risk import AcceptedRisk, RiskName
from stacks.settings.storage import Audit, Shared, Storage
from stacks.settings.together import check_together
from stacks.settings.totals import EffectiveTotals
from stacks.settings.validation import SettingsError
from stacks.settings.workspace import Workspace

__all__ = [
    "AcceptedRisk",
    "Activity",
    "Addon",
    "Architecture",
    "Audit",
    "BrokerRole",
    "DataClass",
    "Ec2Capacity",
    "EffectiveTotals",
    "Egress",
    "Environment",
    "ExistingVpc",
    "Feature",
    "Holding",
    "IdentityCenter",
    "IdentityProvider",
    "Instance",
    "MfaUsers",
    "Network",
    "Pack",
    "Processing",
    "ProfileName",
    "Purpose",
    "Rates",
    "Reads",
    "RiskName",
    "SamlProvider",
    "Secret",
    "SettingsError",
    "Shared",
    "Single",
    "Storage",
    "Workspace",
    "WorkspaceGroups",
    "check_together",
]

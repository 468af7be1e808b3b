from accounts.models.announcements import Announcement, Dismissal, Maintenance
from accounts.models.answers import KeptAnswer
from accounts.models.audit import AuditEntry, AuditEntryRow
from accounts.models.erasures import TenantErasure
from accounts.models.exports import Export
from accounts.models.incidents import UpstreamIncident
from accounts.models.invitations import Invitation
from accounts.models.keys import TenantKey
from accounts.models.looks import Look
from accounts.models.mails import WaitingMail
from accounts.models.moves import TenantMove
from accounts.models.pauses import PausedKind
from accounts.models.privacy import LeftOut, PrivacyRequest
from accounts.models.sessions import Session
from accounts.models.shards import Shard
from accounts.models.sign_ups import SignUp
from accounts.models.tenants import Domain, Tenant
from accounts.models.tokens import ApiToken
from accounts.models.users import Membership, User

__all__ = [
    "Announcement",
    "ApiToken",
    "AuditEntry",
    "AuditEntryRow",
    "Dismissal",
    "Domain",
    "Export",
    "Invitation",
    "KeptAnswer",
    "LeftOut",
    "Look",
    "Maintenance",
    "Membership",
    "PausedKind",
    "PrivacyRequest",
    "Session",
    "Shard",
    "SignUp",
    "Tenant",
    "TenantErasure",
    "TenantKey",
    "TenantMove",
    "UpstreamIncident",
    "User",
    "WaitingMail",
]

"""What single sign-on keeps: two singletons, who is tied to whom, and every attempt."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import Role
from sso.rules.reasons import Reason

ROLE_CHOICES = [(role.value, role.label) for role in Role]
SINGLETON = 1

# What an administrator may mend by linking: the provider said who it is, and only the account
# was in doubt (sign-in.md, Who it is, rule 3).
LINKABLE_REASONS = (
    Reason.NO_ACCOUNT.value,
    Reason.EMAIL_AMBIGUOUS.value,
    Reason.EMAIL_DENIED.value,
    Reason.EMAIL_UNVERIFIED.value,
    Reason.EMAIL_GUEST.value,
    Reason.EMAIL_OF_ADMINISTRATOR.value,
    Reason.EMAIL_LINKED_ALREADY.value,
)


class OIDCSettings(models.Model):
    """The one row of settings that administrators edit (product.md, Settings → OIDC / SSO)."""

    enabled = models.BooleanField("Enable OIDC / SSO", default=False)
    enforce_https = models.BooleanField("Enforce HTTPS", default=True)
    sync_roles = models.BooleanField("Sync roles from IdP", default=False)
    disable_local_auth = models.BooleanField("Disable local auth", default=False)
    auto_create_users = models.BooleanField("Auto-create users", default=True)
    trust_unverified_email = models.BooleanField(
        "Trust e-mail addresses that the provider does not vouch for", default=False
    )
    issuer = models.CharField("Issuer URL", max_length=512, blank=True)
    client_id = models.CharField("Client ID", max_length=255, blank=True)
    # A Fernet token (sso.encryption); the secret itself is in no column.
    client_secret_encrypted = models.TextField(editable=False, blank=True)
    # Copied by hand: the provider tells it to nobody but an administrator in its own pages.
    client_secret_expires = models.DateField("Secret expires on", null=True, blank=True)
    redirect_uri = models.CharField("Redirect URI (optional override)", max_length=256, blank=True)
    scopes = models.CharField("Scopes", max_length=512, default="openid email profile groups")
    button_text = models.CharField("Button Text", max_length=64, default="Login with SSO")
    version = models.PositiveIntegerField(default=1, editable=False)
    # Kept here and not in a cache, so that a restart does not forget it (sign-in.md, Ready).
    client_refused = models.CharField(max_length=64, editable=False, blank=True)
    local_sign_in_until = models.DateTimeField(null=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "OIDC / SSO settings"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(pk=SINGLETON), name="sso_one_settings_row")
        ]

    def __str__(self) -> str:
        return "OIDC / SSO settings"

    @classmethod
    def load(cls) -> OIDCSettings:
        return cls.objects.get_or_create(pk=SINGLETON)[0]


class RoleMapping(models.Model):
    """The one row that says which groups of the provider give which role."""

    default_role = models.CharField(
        "Default (fallback)", max_length=16, choices=ROLE_CHOICES, default=Role.USER.value
    )
    superadmin_group = models.TextField("superadmin", blank=True)
    admin_group = models.TextField("admin", blank=True)
    host_manager_group = models.TextField("host manager", blank=True)
    user_group = models.TextField("user", blank=True)
    readonly_group = models.TextField("readonly", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "role mapping"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(pk=SINGLETON), name="sso_one_role_mapping_row"),
            models.CheckConstraint(
                condition=Q(default_role__in=[role.value for role in Role]),
                name="sso_default_role_is_a_role",
            ),
        ]

    def __str__(self) -> str:
        return "Role mapping"

    @classmethod
    def load(cls) -> RoleMapping:
        return cls.objects.get_or_create(pk=SINGLETON)[0]


class LinkedIdentity(models.Model):
    """The tie of an issuer and subject to an account (sign-in.md, Who it is)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="linked_identities"
    )
    issuer = models.CharField(max_length=512)
    subject = models.CharField(max_length=255)
    tenant_id = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    email = models.CharField(max_length=254, blank=True)
    # The groups of the last sign-in, so that a mapping can be tried before it is applied.
    groups = models.JSONField(default=list, blank=True)
    linked_at = models.DateTimeField(default=timezone.now)
    last_sign_in = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "linked identities"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"], name="sso_one_account_for_a_subject"
            ),
            models.UniqueConstraint(
                fields=["issuer", "tenant_id", "object_id"],
                condition=~Q(object_id=""),
                name="sso_one_account_for_an_object",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email or self.subject} at {self.issuer}"


class SignInAttempt(models.Model):
    """One sign-in that came back with a genuine state, whatever became of it.

    Beside them stands what opened the way past single sign-on, so that both are read together.
    """

    class Outcome(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        LINKED = "linked", "Connected"
        REFUSED = "refused", "Refused"
        TESTED = "tested", "Tested"
        LOCAL_OPENED = "local_opened", "Local sign-in opened"

    reference = models.CharField(max_length=16, unique=True)
    at = models.DateTimeField(default=timezone.now)
    duration_ms = models.PositiveIntegerField(default=0)
    provider_ms = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="sign_in_attempts",
    )
    username = models.CharField(max_length=150, blank=True)
    created_account = models.BooleanField(default=False)
    issuer = models.CharField(max_length=512, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    tenant_id = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    email = models.CharField(max_length=254, blank=True)
    # Whether the provider vouched for the address; empty: it said nothing, or nobody asked.
    email_verified = models.BooleanField(null=True)
    upn = models.CharField(max_length=254, blank=True)
    # Empty: not known, which never counts as "no".
    is_guest = models.BooleanField(null=True)
    groups = models.JSONField(default=list)
    groups_source = models.CharField(max_length=16, blank=True)
    role_rule = models.CharField(max_length=32, blank=True)
    role_before = models.CharField(max_length=16, blank=True)
    role_after = models.CharField(max_length=16, blank=True)
    notes = models.JSONField(default=list)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    provider_error = models.CharField(max_length=64, blank=True)
    provider_description = models.CharField(max_length=1000, blank=True)
    provider_codes = models.JSONField(default=list)
    trace_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = "sign-in attempt"
        default_permissions = ()
        # Each ends in the order of the list, so that no filter of it ever sorts.
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="sso_attempt_at"),
            models.Index(
                Lower("email"), F("at").desc(), F("id").desc(), name="sso_attempt_by_email"
            ),
            models.Index(
                Lower("username"), F("at").desc(), F("id").desc(), name="sso_attempt_by_username"
            ),
            models.Index("outcome", F("at").desc(), F("id").desc(), name="sso_attempt_by_outcome"),
            models.Index("reason", F("at").desc(), F("id").desc(), name="sso_attempt_by_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.outcome}"

    @property
    def is_sign_in(self) -> bool:
        """Say whether somebody came back from the provider, rather than the command line ran."""
        return self.outcome != self.Outcome.LOCAL_OPENED

    @property
    def can_be_linked(self) -> bool:
        """Say whether this refusal can be mended by linking its identity to an account."""
        return (
            self.outcome == self.Outcome.REFUSED
            and self.reason in LINKABLE_REASONS
            and bool(self.issuer and self.subject)
        )


class UsedRoundTrip(models.Model):
    """The digest of a state that came back, or came back again: inserted once, it counts once."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest[:8]

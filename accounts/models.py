from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.addresses import email_key
from accounts.changes import Action, record
from accounts.installation import Installation
from accounts.policy import Scope
from accounts.roles import ADMINISTRATORS, ROLES, Role

__all__ = [
    "ROLE_CHOICES",
    "ApiToken",
    "EmailKeyField",
    "Installation",
    "ProfilePhoto",
    "Session",
    "User",
    "UserManager",
]

ROLE_CHOICES = [(role.value, role.label) for role in ROLES]


if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    # Django's own class takes no type arguments while it runs.
    _CharField = models.CharField


class EmailKeyField(_CharField):
    """The account's address in the form in which addresses are compared; follows `email`."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001  (Django's signature)
        key = email_key(getattr(model_instance, "email", "") or "")[: self.max_length]
        setattr(model_instance, self.attname, key)
        return key


class UserManager(DjangoUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        """Find an account by its username; case tells no two accounts apart."""
        return self.alias(folded=Lower("username")).get(folded=(username or "").lower())

    def create_user(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        """Write one account; everything but `createsuperuser` and tests goes through services.

        The flags follow the role, and an administrator closes the first administrator's door.
        """
        role = Role(extra_fields.pop("role", Role.USER))
        flag = role is Role.SUPERADMIN
        extra_fields |= {"role": role, "is_staff": flag, "is_superuser": flag}
        user = self.model(
            username=self.model.normalize_username(username),
            email=(email or "").strip(),
            **extra_fields,
        )
        user.set_password(password)
        with transaction.atomic(using=self.db):
            # In the order of a first sign-in, so that the two never wait for each other.
            if role in ADMINISTRATORS:
                Installation.close_first_administrator()
            user.save(using=self.db, force_insert=True)
        return user

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        """Make a superadmin for `createsuperuser` (spec/product.md, Roles and permissions)."""
        with transaction.atomic(using=self.db):
            user = self.create_user(
                username, email, password, **(extra_fields | {"role": Role.SUPERADMIN})
            )
            record(
                user,
                {"role": ("", Role.SUPERADMIN.label), "username": ("", user.username)},
                actor=None,
                action=Action.CREATED,
            )
        return user


class User(AbstractUser):
    """An account: a person with exactly one role."""

    # The role says everything; nothing is granted to one account or through a group.
    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]

    username = models.CharField(
        "username",
        max_length=150,
        unique=True,
        help_text="Letters, digits and @ . + - _ only. Case makes no difference.",
        validators=[ASCIIUsernameValidator()],
        error_messages={"unique": "This username is taken. Choose another."},
    )
    email = models.EmailField("e-mail address", blank=True)
    email_key = EmailKeyField(max_length=320, blank=True, default="", editable=False)
    role = models.CharField(max_length=20, choices=ROLE_CHOICES, default=Role.USER)
    photo_etag = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text="Empty without a photo."
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = "user"
        indexes = [
            models.Index(fields=["email_key"], name="accounts_user_email_key"),
            # The list of users is read along it, a page at a time, and never sorted.
            models.Index("role", Lower("username"), name="accounts_user_by_role"),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="accounts_user_username_any_case",
                violation_error_message="This username is taken. Choose another.",
            ),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in ROLES]),
                name="accounts_user_role_known",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.SUPERADMIN.value, is_staff=True, is_superuser=True)
                | (~Q(role=Role.SUPERADMIN.value) & Q(is_staff=False, is_superuser=False)),
                name="accounts_user_flags_follow_role",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def rank(self) -> int:
        return Role(self.role).rank

    @property
    def role_label(self) -> str:
        return Role(self.role).label

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def avatar_url(self) -> str:
        """Return where the photo is served, changing with the photo; '' without one."""
        if not self.photo_etag:
            return ""
        return f"{reverse('accounts:photo', args=[self.pk])}?v={self.photo_etag[:16]}"


class ProfilePhoto(models.Model):
    """A photo as it is served, or the knowledge that there is none."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="photo"
    )
    image = models.BinaryField(blank=True, default=b"")
    content_type = models.CharField(max_length=20, blank=True, default="")
    etag = models.CharField(max_length=64, blank=True, default="")
    looked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"photo of account {self.user_id}"


class Session(AbstractBaseSession):
    """A signed-in browser; what its row says beside the data is what its owner may see of it."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="sessions", db_index=True
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used = models.DateTimeField(auto_now=True, help_text="When the session last changed.")
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True, default="")
    provider_session_id = models.CharField(max_length=255, blank=True, default="")

    class Meta(AbstractBaseSession.Meta):
        indexes = [
            models.Index(fields=["provider_session_id"], name="accounts_session_provider_sid")
        ]

    def __str__(self) -> str:
        # The inherited one is the key, which is a credential.
        return f"session of account {self.user_id}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class ApiToken(models.Model):
    """A key for automation, known here by its digest alone (spec/product.md, HTTP interface)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=8, help_text="How its text begins, to tell it by.")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    last_used = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} of account {self.user_id}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def scope_labels(self) -> list[str]:
        return [scope.label for scope in Scope if scope in self.scopes]

    def covers(self, scope: Scope) -> bool:
        # Whoever changes the settings is answered with all of them.
        including = {scope, Scope.SETTINGS_WRITE} if scope is Scope.SETTINGS_READ else {scope}
        return not including.isdisjoint(self.scopes)

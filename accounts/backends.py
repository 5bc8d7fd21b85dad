from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from accounts import external
from accounts.models import User
from accounts.roles import Role, permissions_of


class RolePermissionsBackend(BaseBackend):
    """Answer Django's questions about permissions from the role alone, without a query.

    Every question is answered here, so that a backend on top of ModelBackend, which asks for
    groups and permissions of single accounts, can put this class first.
    """

    def get_user(self, user_id: Any) -> User | None:
        """Find the account of a session; a deactivated one is nobody."""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        return {f"accounts.{codename}" for codename in permissions_of(Role(user_obj.role))}

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return self.get_user_permissions(user_obj, obj)

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        return perm in self.get_user_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        return any(
            permission.startswith(f"{app_label}.")
            for permission in self.get_user_permissions(user_obj)
        )


class PasswordBackend(RolePermissionsBackend):
    """Sign in with username and password, only while passwords are accepted.

    The signature is exact, unlike ModelBackend's: credentials of another kind are not for it.
    """

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, username: str, password: str
    ) -> User | None:
        if not external.current().passwords_accepted():
            return None
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            # The work of a comparison, so that time does not tell who has an account.
            User().set_password(password)
            return None
        if user.check_password(password) and user.is_active:
            return user
        return None

"""Every write to accounts: atomic, locked, recorded in the change log."""

from __future__ import annotations

from accounts.services._locks import is_last_superadmin, lock_actor
from accounts.services._locks import lock as lock_account
from accounts.services.access import (
    activate,
    deactivate,
    delete,
    end_sessions,
    end_sessions_of,
    make_password_unusable,
    set_password,
)
from accounts.services.installation import (
    READ_ONLY,
    claim_first_administrator,
    server_url,
    server_url_of,
    set_server_url,
    set_up,
    setup_open,
)
from accounts.services.password_links import password_link, use_password_link
from accounts.services.people import (
    RoleChange,
    change_role,
    create_user,
    edit_account,
    update_details,
    username_taken,
    with_email,
)
from accounts.services.photos import store_photo
from accounts.services.sessions import (
    OwnSession,
    own_sessions,
    session_key_of,
    stamp_session,
    start_session,
)
from accounts.services.tokens import (
    MadeToken,
    find_token,
    make_token,
    own_tokens,
    revoke_token,
    revoke_tokens,
)

__all__ = [
    "READ_ONLY",
    "MadeToken",
    "OwnSession",
    "RoleChange",
    "activate",
    "change_role",
    "claim_first_administrator",
    "create_user",
    "deactivate",
    "delete",
    "edit_account",
    "end_sessions",
    "end_sessions_of",
    "find_token",
    "is_last_superadmin",
    "lock_account",
    "lock_actor",
    "make_password_unusable",
    "make_token",
    "own_sessions",
    "own_tokens",
    "password_link",
    "revoke_token",
    "revoke_tokens",
    "server_url",
    "server_url_of",
    "session_key_of",
    "set_password",
    "set_server_url",
    "set_up",
    "setup_open",
    "stamp_session",
    "start_session",
    "store_photo",
    "update_details",
    "use_password_link",
    "username_taken",
    "with_email",
]

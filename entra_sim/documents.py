"""The published documents: discovery and signing keys (entra-facts §1.2 to §1.4)."""

from __future__ import annotations

from entra_sim.messages import Request, Response, json_response
from entra_sim.site import Authority, Site

_TEMPLATE = "{tenantid}"


def discovery(site: Site, request: Request, authority: Authority) -> Response:
    """Answer with the real document's fields and no others: PKCE, for one, is not advertised."""
    base = f"{site.base_url}/{authority.segment}"
    app_id = request.query["appid"]
    document = {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys" + (f"?appid={app_id}" if app_id else ""),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": site.issuer(authority.tenant_id or _TEMPLATE),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{site.base_url}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "claims_supported": [
            *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name"),
            *("cloud_graph_host_name", "msgraph_host", "aud", "exp", "iat", "auth_time", "acr"),
            *("nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"),
        ],
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": "EU" if authority.tenant_id else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": site.graph_host,
        "rbac_url": "https://pas.windows.net",
    }
    return _published(document)


def discovery_v1(site: Site, request: Request, authority: Authority) -> Response:
    """Answer as the old endpoints do, for an issuer that was typed without /v2.0 (§1.3)."""
    base = f"{site.base_url}/{authority.segment}"
    document = {
        "token_endpoint": f"{base}/oauth2/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": [
            "code",
            "id_token",
            "code id_token",
            "token id_token",
            "token",
        ],
        "scopes_supported": ["openid"],
        "issuer": f"https://sts.windows.net/{authority.tenant_id or _TEMPLATE}/",
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "end_session_endpoint": f"{base}/oauth2/logout",
        "userinfo_endpoint": f"{base}/openid/userinfo",
        "tenant_region_scope": "EU" if authority.tenant_id else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": site.graph_host,
        "rbac_url": "https://pas.windows.net",
    }
    return _published(document)


def signing_keys(site: Site, request: Request, authority: Authority) -> Response:
    concrete = site.tenant.concrete_key_issuer and authority.tenant_id
    issuer = site.issuer(authority.tenant_id if concrete else _TEMPLATE)
    return _published({"keys": [key.jwk(issuer) for key in site.tenant.keys.published]})


def _published(document: object) -> Response:
    response = json_response(document)
    response.headers += [
        ("Cache-Control", "max-age=86400, private"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Content-Type-Options", "nosniff"),
        # Sent to every caller by the real one; a client has to ignore it.
        ("Set-Cookie", "fpc=ignored; path=/; HttpOnly"),
    ]
    return response

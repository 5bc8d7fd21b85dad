from __future__ import annotations

import io

import pytest
from PIL import Image

from entra_sim import defaults

ROLE = defaults.ROLE_GROUPS


@pytest.fixture
def token(client):
    return lambda person="alice", **changes: client.answer(person, **changes)["access_token"]


def pages(client, token, query):
    address, found = f"{client.sim.url}/v1.0/me/transitiveMemberOf?{query}", []
    while address:
        assert address.startswith(client.sim.url)
        answer = client.get(address, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        found.append(answer.json()["value"])
        address = answer.json().get("@odata.nextLink")
    return found


def refused(answer, status, code):
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert {"date", "request-id", "client-request-id"} == set(error["innerError"])
    assert "value" not in answer.json()


class TestMemberships:
    def test_the_nested_group_is_on_the_last_page(self, client, token):
        found = pages(client, token("olga"), "$select=id&$top=100")

        assert [len(page) for page in found] == [100, 100, 51]
        assert found[-1][-1] == {
            "@odata.type": "#microsoft.graph.group",
            "id": ROLE["host_manager"],
        }
        assert len({entry["id"] for page in found for entry in page}) == 251

    def test_the_largest_page_holds_them_all_unless_made_smaller(self, client, token):
        access = token("olga")
        assert len(pages(client, access, "$select=id&$top=999")) == 1
        client.sim.tenant.graph_page_limit = 60
        assert len(pages(client, access, "$select=id&$top=999")) == 5

    def test_the_default_page_is_a_hundred(self, client, token):
        assert len(pages(client, token("olga"), "$select=id")[0]) == 100

    def test_directory_roles_are_among_them(self, client, token):
        (found,) = pages(client, token("adam"), "$select=id")
        assert [entry["@odata.type"] for entry in found] == [
            "#microsoft.graph.directoryRole",
            "#microsoft.graph.group",
        ]

    def test_user_read_shows_no_names(self, client, token):
        (found,) = pages(client, token("alice"), "")
        assert found[0]["displayName"] is None

    def test_direct_ones_only(self, client, token):
        answer = client.graph("me/memberOf?$top=999", token("olga"))
        assert len(answer.json()["value"]) == 250

    def test_the_right_refusals(self, client, token):
        rest = "me/transitiveMemberOf?$select=id"
        refused(client.get(f"{client.sim.url}/v1.0/{rest}"), 401, "InvalidAuthenticationToken")
        refused(client.graph(rest, "nonsense"), 401, "InvalidAuthenticationToken")
        access = token()
        refused(client.graph("me/memberOf?$top=1000", access), 400, "Request_BadRequest")
        refused(client.graph("me/memberOf?$filter=x", access), 400, "Request_BadRequest")
        refused(client.graph("me/memberOf?$skiptoken=x", access), 400, "Directory_ExpiredPageToken")
        refused(client.graph("me/manager", access), 400, "BadRequest")

    def test_an_expired_token_is_401(self, client, token):
        access = token()
        client.sim.tenant.clock_skew = 3700
        refused(client.graph("me/memberOf", access), 401, "InvalidAuthenticationToken")

    def test_without_user_read_403(self, client, token):
        client.sim.tenant.app.consented.discard("User.Read")
        access = token(scope="openid profile email")
        refused(client.graph("me/memberOf", access), 403, "Authorization_RequestDenied")
        refused(client.graph("me/photo/$value", access), 403, "Authorization_RequestDenied")


class TestPhoto:
    @pytest.mark.parametrize(
        ("rest", "edge"),
        [
            ("me/photo/$value", 360),
            ("me/photos/96x96/$value", 96),
            ("me/photos/360x360/$value", 360),
        ],
    )
    def test_the_photo_in_its_sizes(self, client, token, rest, edge):
        answer = client.graph(rest, token("alice"))

        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["ETag"]
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.size) == ("JPEG", (edge, edge))

    def test_its_metadata(self, client, token):
        body = client.graph("me/photo", token("alice")).json()
        assert (body["id"], body["width"], body["height"]) == ("360x360", 360, 360)
        assert body["@odata.mediaContentType"] == "image/jpeg"

    @pytest.mark.parametrize(
        ("person", "rest"),
        [
            ("ravi", "me/photo/$value"),
            ("ravi", "me/photo"),
            ("alice", "me/photos/648x648/$value"),
            ("alice", "me/photos/97x97/$value"),
            ("alice", "me/photos/96x48/$value"),
        ],
    )
    def test_no_photo_is_404(self, client, token, person, rest):
        refused(client.graph(rest, token(person)), 404, "ErrorEntityNotFound")


def test_userinfo_adds_nothing_but_an_address_behind_a_token(client, token):
    access = token("alice")
    headers = {"Authorization": f"Bearer {access}"}
    body = client.get(f"{client.sim.url}/oidc/userinfo", headers=headers).json()

    assert set(body) == {"sub", "name", "family_name", "given_name", "picture", "email"}
    assert body["sub"] == client.claims("alice")["sub"]
    refused(client.get(f"{client.sim.url}/oidc/userinfo"), 401, "InvalidAuthenticationToken")


def test_me(client, token):
    body = client.graph("me", token("nomail")).json()
    assert body["id"] == client.sim.tenant.people["nomail"].oid
    assert body["mail"] is None

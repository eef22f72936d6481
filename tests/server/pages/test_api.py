import re
from html import unescape

import pytest

from gaia_server.pages.api import operations_by_tag

DOCUMENT = {
    "tags": [{"name": "b"}, {"name": "a"}],
    "paths": {
        "/x": {
            "parameters": [{"$ref": "#/components/parameters/p"}],
            "get": {"tags": ["a"], "operationId": "one", "responses": {"200": {"$ref": "#/components/responses/r"}}},
            "post": {
                "tags": ["b"],
                "requestBody": {"content": {"text/plain": {"schema": {"$ref": "elsewhere.json"}}}},
                "responses": {},
            },
        }
    },
    "components": {"parameters": {"p": {"name": "p", "in": "query"}}, "responses": {"r": {"description": "well"}}},
}


def test_operations_stand_by_tag_in_the_order_of_the_tags():
    assert [(tag, [each.method for each in operations]) for tag, operations in operations_by_tag(DOCUMENT)] == [
        ("b", ["post"]),
        ("a", ["get"]),
    ]


def test_references_inside_are_followed_and_others_left():
    (_, (post,)), (_, (get,)) = operations_by_tag(DOCUMENT)
    assert get.parameters == ({"name": "p", "in": "query"},)
    assert get.answers == (("200", {"description": "well"}),)
    assert post.body == (("text/plain", {"$ref": "elsewhere.json"}),)


@pytest.mark.parametrize("path", ["/openapi", "/processes", "/jobs", "/"])
def test_a_page_says_of_its_other_forms_what_they_are(client, path):
    page = client.get(path, headers={"Accept": "text/html"}).get_data(as_text=True)
    media_type, address = re.search(r'<link rel="alternate" type="([^"]+)" href="([^"]+)"', page).groups()
    there = client.get(unescape(address).removeprefix("/api"))
    assert there.headers["Content-Type"].startswith(media_type)
    assert 'hreflang="fr"' in page

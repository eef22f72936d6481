import re

from gaia_server.app import OURS
from gaia_server.openapi import OPERATIONS, PARAMETERS, SCHEMAS

INTERNAL = ("/store/", "/assets/")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def test_every_route_of_ours_is_told(app):
    names = {blueprint.name for blueprint in OURS}
    routes = {
        (method.lower(), re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in names and not rule.rule.startswith(INTERNAL)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(operation.method, re.sub(r"\{\w+\}", "{}", operation.path)) for operation in OPERATIONS}
    assert routes == told


def test_every_parameter_of_a_path_is_told():
    for operation in OPERATIONS:
        assert set(re.findall(r"\{(\w+)\}", operation.path)) <= set(operation.parameters), operation.path
        assert set(operation.parameters) <= set(PARAMETERS)


def test_no_reference_leads_nowhere(client):
    document = client.get("/openapi").get_json()
    local = re.findall(r'"\$ref": ?"#/components/(\w+)/(\w+)"', client.get("/openapi").get_data(as_text=True))
    assert local
    assert all(name in document["components"][kind] for kind, name in local)
    assert set(SCHEMAS) <= set(document["components"]["schemas"])


def test_no_operation_is_told_twice():
    ids = [operation.id for operation in OPERATIONS]
    assert len(ids) == len(set(ids))

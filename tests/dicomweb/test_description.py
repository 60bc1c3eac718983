"""The service says of itself what it does: capabilities, OpenAPI, the page to try it from."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from django.contrib.staticfiles import finders
from drf_spectacular.validation import validate_schema

from dicomhub.dicomweb.description.descriptions import DESCRIPTIONS, operation_of
from dicomhub.dicomweb.description.openapi import document
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.routes import ROUTES, WADO_URI
from dicomhub.dicomweb.description.statuses import MEANINGS
from dicomhub.dicomweb.description.views import OPENAPI, WADL
from tests.dicomweb.reading import body_of, json_of
from tests.support.samples import sample

NAMESPACE = "{http://wadl.dev.java.net/2009/02}"
UNIQUE = {"resources", "request"}


def path_of(route: Route) -> str:
    return route.template.format_map(dict.fromkeys(route.parameters, "1.2"))


def test_each_method_of_each_route_is_described_and_nothing_else():
    routes = (*ROUTES, WADO_URI)
    assert {(route.views[method], method) for route in routes for method in route.views} == set(DESCRIPTIONS)
    for route in routes:
        for method in route.views:
            operation = operation_of(route, method)
            assert operation.transaction
            assert operation.statuses
            assert set(operation.statuses) <= set(MEANINGS)


def options(client, path, **headers):
    return client.options(path, headers=headers)


def capabilities_in_xml(response):
    assert response["Content-Type"] == WADL
    return ET.fromstring(body_of(response))


def test_capabilities_of_the_service(filling, client):
    answer = options(client, "/tenants/default/dicom-web/")
    root = capabilities_in_xml(answer)
    (resources,) = root
    assert resources.attrib["base"] == "http://testserver/tenants/default/dicom-web"
    paths = {
        f"{parent.attrib['path']}/{child.attrib['path']}"
        for parent in resources.iter(f"{NAMESPACE}resource")
        for child in parent.findall(f"{NAMESPACE}resource")
    }
    assert {"//studies", "studies/{study}", "{study}/metadata", "instances/{instance}"} <= paths
    ids = [method.attrib["id"] for method in root.iter(f"{NAMESPACE}method")]
    assert {"SearchForStudies", "RetrieveStudyMetadata", "RetrieveInstance"} <= set(ids)
    assert "RetrieveCapabilities" not in ids
    assert "openapi.json" in answer["Link"]


def json_to_xml(name, value):
    element = ET.Element(NAMESPACE + name)
    element.text = value.pop("value", None)
    for key, inside in value.items():
        if key.startswith("@"):
            element.attrib[key[1:]] = inside
        else:
            items = [inside] if key in UNIQUE else inside
            element.extend([json_to_xml(key, item) for item in items])
    return element


def flat(element):
    text = (element.text or "").strip()
    inner = sorted(map(flat, element), key=repr)
    return element.tag, sorted(element.attrib.items()), text, inner


def test_capabilities_are_the_same_in_json(filling, client):
    of_study = "/dicom-web/studies/1.2"
    in_json = json_of(options(client, of_study, accept="application/json"))
    assert in_json["application"]["resources"]["resource"][0]["@path"] == "studies/{study}"
    in_xml = capabilities_in_xml(options(client, of_study, accept=f"{WADL}, application/json;q=0.5"))
    assert flat(json_to_xml("application", in_json["application"])) == flat(in_xml)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.template)
def test_each_resource_says_which_methods_it_has(filling, client, route):
    address = "/dicom-web" + path_of(route)
    answer = options(client, address)
    assert answer.status_code == 200
    assert answer["Allow"] == ", ".join(route.allowed)
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} - set(route.allowed):
        refused = client.generic(method, address)
        assert (refused.status_code, refused["Allow"]) == (405, answer["Allow"]), method
        assert method == "HEAD" or json_of(refused)["detail"] == "method"


def test_options_of_what_is_not_there(filling, client):
    assert options(client, "/tenants/nobody/dicom-web/studies").status_code == 404
    assert options(client, "/dicom-web/studies", accept="image/png").status_code == 406


def test_the_openapi_document_is_valid_and_names_every_route():
    schema = document()
    validate_schema(schema)
    assert set(schema["paths"]) == {route.template for route in ROUTES}
    names = [each["operationId"] for path in schema["paths"].values() for each in path.values()]
    assert not [name for name, other in pairwise(sorted(names)) if name == other]


def test_the_document_is_served_with_the_address_of_its_tenant(filling, client):
    answer = client.get("/tenants/default/dicom-web/openapi.json")
    assert answer["Content-Type"] == OPENAPI
    assert json_of(answer)["servers"] == [{"url": "http://testserver/tenants/default/dicom-web"}]
    assert client.get("/dicom-web/openapi.json", headers={"accept": "text/html"}).status_code == 406


def test_the_page_has_its_scripts_from_here(filling, client):
    answer = client.get("/dicom-web/docs", headers={"accept": "text/html,*/*;q=0.8"})
    assert "script-src" not in answer["Content-Security-Policy"]
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    page = body_of(answer).decode()
    files = [part.split('"')[0] for part in page.split('"/static/')[1:]]
    assert len(files) == 4
    assert all(finders.find(name) for name in files)
    assert "http" not in page


def test_what_is_answered_has_the_form_that_is_described(filling, get):
    """PS3.18 F, as the document's own schema has it."""
    from jsonschema import Draft202012Validator

    filling.add(*map(sample, ("CT_small.dcm", "MR_small.dcm", "reportsi.dcm", "liver.dcm")))
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/DicomDataSet"}}
    validator = Draft202012Validator({**schema, "components": document()["components"]})
    studies = json_of(get("/studies", {"includefield": "all"}))
    assert len(studies) == 4
    validator.validate(studies)
    for study in studies:
        uid = study["0020000D"]["Value"][0]
        validator.validate(json_of(get(f"/studies/{uid}/metadata")))
    studies[0]["00100020"]["vr"] = "XX"
    assert not validator.is_valid(studies)

"""Answers as they are counted and told."""

from hotspot.model.prometheus import exposition
from hotspot.model.traffic import Traffic, answered


def test_a_line_has_the_route_and_nothing_of_its_values() -> None:
    one = answered("GET", "/functions/v1/packages/{package_id}", 200, 512, 0.0125)
    assert one.line() == "GET /functions/v1/packages/{package_id} 200 512 B 12.5 ms"


def test_what_strangers_name_is_not_told() -> None:
    assert answered("BREW", None, 404, 10, 0.0).line() == "other other 404 10 B 0.0 ms"


def test_answers_are_added_up_by_route_and_status() -> None:
    traffic = Traffic()
    for status, size in ((200, 100), (200, 50), (404, 7)):
        traffic.add(answered("GET", "/a/{b}", status, size, 0.5))
    page = exposition(traffic.metrics())
    assert 'hotspot_http_requests_total{method="GET",route="/a/{b}",status="200"} 2\n' in page
    assert 'hotspot_http_requests_total{method="GET",route="/a/{b}",status="404"} 1\n' in page
    assert 'hotspot_http_sent_bytes_total{route="/a/{b}"} 157\n' in page
    assert 'hotspot_http_answering_seconds_total{route="/a/{b}"} 1.5\n' in page

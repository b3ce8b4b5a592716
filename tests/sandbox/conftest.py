"""The demo company, made once, and a small one that is quick to serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
import requests

from leadrole.sandbox import History, Population, Server, Truth, compute, serve

TOKEN = "pat-eu1-demo-0001"
AS_OF = datetime(2026, 11, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def company() -> Population:
    return Population()


@pytest.fixture(scope="session")
def truth(company: Population) -> Truth:
    return compute(company, AS_OF)


@pytest.fixture(scope="session")
def small() -> Population:
    return Population(seed=7, start=date(2026, 5, 1), months=4, until=date(2026, 9, 20), scale=0.2)


@pytest.fixture
def start(small: Population) -> Iterator[Callable[..., Client]]:
    servers: list[Server] = []

    def run(history: History | None = None, **settings: object) -> Client:
        options = {"now": datetime(2026, 9, 1, 2, tzinfo=UTC), "token": TOKEN, **settings}
        server = serve(history or small, **options)  # type: ignore[arg-type]
        servers.append(server)
        return Client(server)

    yield run
    for server in servers:
        server.close()


class Client:
    """A caller with the right token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def get(self, path: str, **parameters: object) -> requests.Response:
        return self.session.get(self.server.base_url + path, params=parameters, timeout=10)  # type: ignore[arg-type]

    def post(self, path: str, body: object) -> requests.Response:
        return self.session.post(self.server.base_url + path, json=body, timeout=10)

    def walk(self, path: str, **parameters: object) -> list[dict]:
        rows: list[dict] = []
        while True:
            page = self.get(path, **parameters).json()
            rows.extend(page["results"])
            if "paging" not in page:
                return rows
            parameters["after"] = page["paging"]["next"]["after"]

"""The table of routes: who may call each, and how large its body may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, final

__all__ = ["ROUTES", "SCOPES", "Route", "RouteTable"]

Access = Literal["open", "read", "write", "admin"]
SCOPES: Final[tuple[Access, ...]] = ("read", "write", "admin")


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes
    ----------
    path : with at most one parameter, in braces
    access : the scope that a key needs; open: no key
    body : none, one thing, or many
    """

    method: str
    path: str
    access: Access
    body: Literal["none", "one", "many"] = "none"


ROUTES: Final = (
    Route("GET", "/v1/customers/{customer_id}/score", "read"),
    Route("POST", "/v1/predict_clv", "read", "one"),
    Route("POST", "/v1/score:batch", "read", "one"),
    Route("GET", "/v1/customers/{customer_id}/explanation", "read"),
    Route("GET", "/v1/customers/{customer_id}/history", "read"),
    Route("GET", "/v1/customers/{customer_id}/events", "read"),
    Route("POST", "/v1/events", "write", "one"),
    Route("POST", "/v1/events:batch", "write", "many"),
    Route("POST", "/v1/treatments", "write", "one"),
    Route("POST", "/v1/outcomes", "write", "one"),
    Route("GET", "/v1/segments", "read"),
    Route("GET", "/v1/forecasts", "read"),
    Route("GET", "/v1/models", "read"),
    Route("PUT", "/v1/models/active", "admin", "one"),
    Route("GET", "/v1/dead-letters", "admin"),
    Route("POST", "/v1/dead-letters/{letter}:replay", "admin", "one"),
    Route("GET", "/v1/reviews", "read"),
    Route("POST", "/v1/reviews/{review}:decide", "write", "one"),
    Route("GET", "/v1/stream", "read"),
    Route("GET", "/health", "open"),
    Route("GET", "/ready", "open"),
    Route("GET", "/metrics", "read"),
    Route("GET", "/openapi.json", "read"),
)


@final
class RouteTable:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._with_parameter: dict[tuple[str, str], dict[str, Route]] = {}
        for route in routes:
            if "{" in route.path:
                before, _, rest = route.path.partition("{")
                ends = (before, rest.partition("}")[2])
                self._with_parameter.setdefault(ends, {})[route.method] = route
            else:
                self._exact.setdefault(route.path, {})[route.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], str]:
        """The path's routes by method, none where it is unknown; and the parameter in it.

        A parameter may hold slashes: ids of customers do.
        """
        there = self._exact.get(path)
        if there is not None:
            return there, ""
        for (before, after), routes in self._with_parameter.items():
            if path.startswith(before) and path.endswith(after):
                said = path[len(before) : len(path) - len(after)]
                if said:
                    return routes, said
        return {}, ""

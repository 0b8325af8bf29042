"""The tables of rule files that say who is told, read and checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from logagent.alerting.loading import listed_tables, read_table
from logagent.alerting.rules.base import RuleTable
from logagent.alerting.rules.routes import Mute, Route, TimeInterval
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from logagent.alerting.loading import Make, Place
    from logagent.errors import Problem

ROUTING_TABLES = ("route", "mute", "time_interval")
_Table = TypeVar("_Table", bound=RuleTable)


@dataclass(slots=True)
class Routing:
    """Who is told, in the order in which files and tables say it."""

    routes: list[Route] = field(default_factory=list)
    mutes: list[Mute] = field(default_factory=list)
    intervals: dict[str, TimeInterval] = field(default_factory=dict)
    quiet_names: list[tuple[str, Callable[[str, str], Problem]]] = field(default_factory=list)
    """Names of intervals that routes use, each with what makes a problem of its place."""
    destination_names: list[tuple[str, Callable[[str, str], Problem]]] = field(default_factory=list)

    def problems(self, destinations: Iterable[str]) -> list[Problem]:
        """What names something that no file and no exporter is called."""
        known = sorted(destinations)
        found = [
            make(f"there is no time interval `{name}`", did_you_mean(name, self.intervals) or "[[time_interval]]")
            for name, make in self.quiet_names
            if name not in self.intervals
        ]
        found += [
            make(
                f"no exporter `{name}` takes alerts",
                did_you_mean(name, known)
                or (f"one of {', '.join(known)}" if known else "[exporters.webhook] in the configuration"),
            )
            for name, make in self.destination_names
            if name not in known
        ]
        return found


def read_routing(data: Mapping[str, Any], make: Make, into: Routing) -> list[Problem]:
    """Take the tables of a decoded file; give everything that is wrong with them."""
    problems: list[Problem] = []
    for place, interval in _tables(data, "time_interval", TimeInterval, make, problems):
        if interval.name in into.intervals:
            problems.append(make((*place, "name"), f"`{interval.name}` is there already", "a name of its own"))
        into.intervals[interval.name] = interval
    names = {route.name for route in into.routes}
    for place, route in _tables(data, "route", Route, make, problems):
        if route.name in names:
            problems.append(make((*place, "name"), f"`{route.name}` is there already", "a name of its own"))
        names.add(route.name)
        into.routes.append(route)
        into.quiet_names += [(name, _at((*place, "quiet"), make)) for name in route.quiet]
        into.destination_names += [(name, _at((*place, "to"), make)) for name in route.to]
    into.mutes += [mute for _, mute in _tables(data, "mute", Mute, make, problems)]
    return problems


def _at(place: Place, make: Make) -> Callable[[str, str], Problem]:
    return lambda message, hint: make(place, message, hint)


def _tables(
    data: Mapping[str, Any], key: str, model: type[_Table], make: Make, problems: list[Problem]
) -> list[tuple[Place, _Table]]:
    found: list[tuple[Place, _Table]] = []
    for index, table in enumerate(listed_tables(data, key, make, problems)):
        read = read_table(model, (key, index), table, make, problems)
        if read is not None:
            found.append(((key, index), read))
    return found

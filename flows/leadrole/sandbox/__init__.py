"""A pretend CRM with a known truth: an invented company, its event log, and a server that speaks HubSpot."""

from leadrole.sandbox.faults import Faults
from leadrole.sandbox.log import Event, History, Owner, Script, State
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import Server, serve
from leadrole.sandbox.truth import Truth, compute

__all__ = [
    "Event",
    "Faults",
    "History",
    "Owner",
    "Population",
    "Script",
    "Server",
    "State",
    "Truth",
    "compute",
    "serve",
]

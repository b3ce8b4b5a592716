"""HubSpot: `endpoints` says what is read, `quirks` how it differs, `reader` in which order."""

from leadrole.crm.hubspot.reader import extract

__all__ = ["extract"]

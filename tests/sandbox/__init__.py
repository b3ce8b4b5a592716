"""Tests of the pretend CRM."""

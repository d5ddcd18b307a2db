"""Fakes and builders for the service's tests; never packaged."""

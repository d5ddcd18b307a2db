"""Ledger contracts: what each stage records about a run, a page or a build."""

"""Runs over time: a store of Parquet files that readers need no pgdyno for, and trends.

Knows core, analysis, report and results. docs/history.md describes the store.
"""

"""Offline HTML pages from what lies in run directories; knows no torch."""

"""Estimators, their storage, and the shipped models."""

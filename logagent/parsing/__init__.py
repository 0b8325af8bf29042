"""Bytes become records: parser definitions compiled to functions."""

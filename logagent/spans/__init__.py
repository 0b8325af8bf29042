"""Records become spans: ids, assembly, parents, errors."""

"""What survives a kill: the ledger."""

"""The stages that every protected request passes, in this order: classify, lookup, refresh, supply."""

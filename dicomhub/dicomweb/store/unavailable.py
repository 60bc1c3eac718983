class StoreUnavailable(Exception):
    """Nothing can be stored at the moment; it may be tried again."""

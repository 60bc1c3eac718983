"""A receiver as pynetdicom's documentation shows it: PORT FOLDER [--chunked]."""

import sys
from pathlib import Path

from pynetdicom import AE, AllStoragePresentationContexts, _config, evt

from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES

# The mode that writes fragments into a temporary file as they arrive.
_config.STORE_RECV_CHUNKED_DATASET = "--chunked" in sys.argv
SUCCESS = 0x0000


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])

    def store(event: evt.Event) -> int:
        path = folder / f"{event.request.AffectedSOPInstanceUID}.dcm"
        if _config.STORE_RECV_CHUNKED_DATASET:
            event.dataset_path.rename(path)
        else:
            path.write_bytes(event.encoded_dataset())
        return SUCCESS

    entity = AE("DICOMHUB")
    entity.maximum_associations = 100  # of ten by default; the scale section has more senders
    entity.maximum_pdu_size = 16384
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, list(TRANSFER_SYNTAXES))
    entity.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)])


if __name__ == "__main__":
    main()

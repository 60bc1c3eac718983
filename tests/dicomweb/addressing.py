"""How a client addresses what is in the archive."""


def path_of(instance, level="instance"):
    """The path, below the service's root, of a stored instance, its series or its study."""
    path = f"/studies/{instance.study_instance_uid}"
    if level != "study":
        path += f"/series/{instance.series_instance_uid}"
    return f"{path}/instances/{instance.sop_instance_uid}" if level == "instance" else path


def uids_of(data_set):
    """Of its study, its series and itself."""
    return str(data_set.StudyInstanceUID), str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID)

"""The retry that the pages of transcoding offer."""

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from dicomhub.environment import EnvironmentInvalid
from dicomhub.transcoding.models import UnrenderedInstance
from dicomhub.transcoding.services import request_retry
from tasks.app import create_app
from tasks.publish import BrokerUnreachable, publish_retry


def may_retry(request: HttpRequest) -> bool:
    return request.user.has_perm("transcoding.change_unrenderedinstance")


def retry_all(request: HttpRequest, rows: "QuerySet[UnrenderedInstance]") -> None:
    """Have instances transcoded again, and tell whoever asked for it."""
    number = request_retry(rows)
    if not number:
        messages.warning(request, "There is nothing to retry.")
        return
    try:
        publish_retry(create_app(settings.ENVIRONMENT.broker_url()))
    except (BrokerUnreachable, EnvironmentInvalid) as error:
        messages.warning(
            request,
            f"Instances that are tried again once the broker is reachable ({error}): {number}.",
        )
    else:
        messages.success(request, f"Instances on their way again: {number}.")

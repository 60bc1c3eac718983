"""The double's front end: asks who it is, wants Expect, and sends on to the back end."""

from urllib.parse import quote

from tests.support.doris.faults import Fault
from tests.support.doris.web import Handler


class FrontEndHandler(Handler):
    def do_PUT(self) -> None:  # noqa: N802 - http.server's name
        self.context.frontend_requests.append(dict(self.headers.items()))
        fault = self.context.faults.draw(self.headers.get("label", ""))
        match fault:
            case Fault.FRONTEND_CLOSES:
                self.drop()
            case Fault.FRONTEND_BAD_GATEWAY:
                self.answer_html(502)
            case Fault.FRONTEND_GARBAGE:
                self.drop(b"\x00\x01 this is no HTTP\r\n\r\n")
            case Fault.FRONTEND_NO_BACKEND:
                self._refuse("No available backends, policy: BeSelectionPolicy")
            case _:
                self._send_on()

    def _send_on(self) -> None:
        if not self.is_authorized():
            refusal = {
                "msg": "Unauthorized",
                "code": 401,
                "data": "Access denied for default_cluster",
                "count": 0,
            }
            self.answer_json(refusal, status=self.context.unauthorized_status)
            return
        if self.headers.get("Expect", "").lower() != "100-continue":
            self._refuse("There is no 100-continue header")
            return
        if self.headers.get("Content-Length") != "0":
            self.context.errors.append("rows were sent to a front end")
        credentials = f"{quote(self.context.user, safe='')}:{quote(self.context.password, safe='')}"
        self.send_response(307)
        self.send_header("Location", f"{self.context.backend_url(credentials)}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, message: str) -> None:
        self.answer_json({"status": "FAILED", "msg": message})

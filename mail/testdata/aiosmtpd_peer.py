"""A server of mails for smtp_peer_test.go: aiosmtpd with STARTTLS required before anything
is said, and a password. Says its port, then each message as one line of JSON."""

import email, email.policy, json, socket, ssl, sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Inbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
            "subject": str(message["Subject"]),
            "text": message.get_body(("plain",)).get_content(), "html": message.get_body(("html",)).get_content(),
        }), flush=True)
        return "250 OK"


def password(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"muster" and data.password == b"let me in", handled=False)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
controller = Controller(
    Inbox(), hostname="127.0.0.1", port=port, tls_context=tls, require_starttls=True,
    auth_required=True, auth_require_tls=True, authenticator=password,
)
controller.start()
print(port, flush=True)
sys.stdin.read()
controller.stop()

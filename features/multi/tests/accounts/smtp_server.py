"""A mail server on loopback: prints its port, then each mail that it took as a line of JSON.

Usage: smtp_server.py plain|starttls|tls <folder with cert.pem and key.pem>
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Taker:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or WAY == "tls",
            "user": session.auth_data,
            "text": envelope.content.decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 taken"


def check(server, session, envelope, mechanism, data):
    right = data.login == b"recap" and data.password == b"secret of the test"
    return AuthResult(success=right, auth_data=data.login.decode())


WAY = sys.argv[1]
context = None
if WAY != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2] + "/cert.pem", sys.argv[2] + "/key.pem")


def protocol():
    if WAY == "starttls":
        return SMTP(Taker(), tls_context=context, require_starttls=True, authenticator=check,
                    auth_required=True)
    return SMTP(Taker(), authenticator=check, auth_require_tls=False)


async def serve():
    over_tls = context if WAY == "tls" else None
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=over_tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())

"""A mail server for the tests: writes each message that it takes, as JSON, into a folder before it says so.

server.py FOLDER [--port N] [--behaviour B] [--login USER:PASSWORD] [--tls implicit|starttls] [--ascii]

Behaviours: `accept`; `refuse` the recipient (550); `later` (451) or `drop` the connection in the middle of a message, the
first time only; `hang` in a message. Prints its port, and ends when its standard input does.
"""

import argparse
import asyncio
import datetime
import email
import email.policy
import ipaddress
import json
import logging
import os
import pathlib
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument('folder', type=pathlib.Path)
parser.add_argument('--port', type=int, default=0)
parser.add_argument('--behaviour', default='accept')
parser.add_argument('--login')
parser.add_argument('--tls', choices=['implicit', 'starttls'])
parser.add_argument('--ascii', action='store_true')
options = parser.parse_args()
attempts = 0


def write(name, value):
    """Writes a whole file, or none."""
    partial = options.folder / f'{name}.partial'
    partial.write_text(json.dumps(value))
    partial.rename(options.folder / name)


def read(server, envelope, session):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        'from': envelope.mail_from,
        'to': envelope.rcpt_tos,
        'options': envelope.mail_options,
        'commands': server.commands,
        'tls': server.transport.get_extra_info('ssl_object') is not None,
        'user': session.auth_data.login.decode() if session.authenticated else None,
        'headers': [[name, str(value)] for name, value in message.items()],
        'to_names': [address.display_name for address in message['To'].addresses],
        'types': [part.get_content_type() for part in parts],
        'parts': [part.get_content().replace('\r\n', '\n') for part in parts],
        'defects': [str(defect) for part in message.walk() for defect in part.defects],
    }


class Server(SMTP):
    """Keeps the commands of a session, and breaks where it is told to."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.commands = []

    async def smtp_MAIL(self, arg):
        self.commands.append(f'MAIL {arg}')
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        self.commands.append(f'RCPT {arg}')
        await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        global attempts
        self.commands.append('DATA')
        if options.behaviour == 'drop' and attempts == 0:
            attempts += 1
            await self.push('354 go on')
            await self._reader.read(100)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg):
        self.commands.append('RSET')
        await super().smtp_RSET(arg)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if options.behaviour == 'refuse':
            return f'550 5.1.1 <{address}>: there is no such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        global attempts
        attempts += 1
        if options.behaviour == 'later' and attempts == 1:
            return f'451 4.7.1 <{envelope.rcpt_tos[0]}>: greylisted, try again later'
        if options.behaviour == 'hang':
            await asyncio.Event().wait()
        write(f'{attempts:04}.json', read(server, envelope, session))
        return '250 OK'


def authenticate(server, session, envelope, mechanism, data):
    login = f'{data.login.decode()}:{data.password.decode()}'
    write('login', login)
    return AuthResult(success=login == options.login, handled=False, auth_data=data)


def certificate():
    """Makes a certificate for this machine: `certificate.pem` in the folder, to be trusted or not."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'mail server of the tests')])
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ['127.0.0.1', '0.0.0.0']]
    now = datetime.datetime.utcnow()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (options.folder / 'key.pem').write_bytes(private)
    (options.folder / 'certificate.pem').write_bytes(made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.folder / 'certificate.pem', options.folder / 'key.pem')
    return context


async def main():
    context = certificate() if options.tls else None
    # Found by its absence where nobody logs in.
    login = {'authenticator': authenticate, 'auth_required': True, 'auth_require_tls': False} if options.login else {}
    starttls = {'tls_context': context, 'require_starttls': True} if options.tls == 'starttls' else {}

    def session():
        loop = asyncio.get_running_loop()
        return Server(Handler(), hostname='mail.test', enable_SMTPUTF8=not options.ascii, loop=loop, **login, **starttls)

    implicit = context if options.tls == 'implicit' else None
    server = await asyncio.get_running_loop().create_server(session, '127.0.0.1', options.port, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


logging.getLogger('mail.log').setLevel(logging.CRITICAL)
threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(main())

"""The program of ../program.ts with the Apache project's Python SDK.

Arguments: the port for HTTP, the port for mutual TLS, and the folder of its certificates.
"""

import ssl
import sys
import threading
import traceback
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.duration_pb2 import Duration
from statefun import (
    BoolType,
    DoubleType,
    FloatType,
    IntType,
    LongType,
    RequestReplyHandler,
    StatefulFunctions,
    StringType,
    ValueSpec,
    kafka_egress_message,
    make_json_type,
    make_protobuf_type,
    message_builder,
    simple_type,
)

ORDER = make_json_type("sdk/Order")

VALUES = {
    "flag": BoolType,
    "small": IntType,
    "large": LongType,
    "single": FloatType,
    "precise": DoubleType,
    "text": StringType,
    "point": make_json_type("sdk/Point"),
    "lasting": make_protobuf_type(Duration),
    "raw": simple_type("sdk/Bytes", serialize_fn=bytes, deserialize_fn=bytes),
}

functions = StatefulFunctions()


def string_to(address, text):
    return message_builder(target_typename=address.typename, target_id=address.id, str_value=text)


def order_to(typename, id, act):
    order = {"act": act, "to": "", "ms": 0, "token": ""}
    return message_builder(target_typename=typename, target_id=id, value=order, value_type=ORDER)


def said(context, text):
    key = context.address.id
    context.send_egress(
        kafka_egress_message(typename="sdk/kafka", topic="said", key=key, value=text)
    )


@functions.bind("sdk/values", [ValueSpec(name, type) for name, type in VALUES.items()])
async def values(context, message):
    if message.is_type(ORDER):
        for name in VALUES:
            delattr(context.storage, name)
        context.send(string_to(context.caller, "forgotten"))
        return
    name, type = next(pair for pair in VALUES.items() if message.is_type(pair[1]))
    before = getattr(context.storage, name)
    setattr(context.storage, name, message.as_type(type))
    if before is None:
        context.send(string_to(context.caller, "none"))
    else:
        to = context.caller
        context.send(
            message_builder(
                target_typename=to.typename, target_id=to.id, value=before, value_type=type
            )
        )


failed = set()


@functions.bind("sdk/worker", [ValueSpec("total", IntType)])
def worker(context, message):
    if message.is_string():
        return said(context, message.as_string())
    order = message.as_type(ORDER)
    act = order["act"]
    if act == "nothing":
        return None
    total = (context.storage.total or 0) + 1
    context.storage.total = total
    said(context, f"{act} {total}")
    me = context.address
    if act == "tell" or act == "fail":
        context.send(order_to("sdk/worker", order["to"], "told"))
    if act == "ask":
        context.send(
            message_builder(target_typename="sdk/peer", target_id=order["to"], str_value="who?")
        )
    if act == "remind":
        delay = timedelta(milliseconds=order["ms"])
        reminder = order_to(me.typename, me.id, "reminded")
        if order["token"]:
            context.send_after(delay, reminder, order["token"])
        else:
            context.send_after(delay, reminder)
    if act == "cancel":
        context.cancel_delayed_message(order["token"])
    if act == "note":
        context.send_egress(
            kafka_egress_message(
                typename="sdk/log", topic="notes", value=total, value_type=IntType
            )
        )
    if context.caller and context.caller.typename != me.typename:
        context.send(string_to(context.caller, f"{act} {total}"))
    if act == "fail" and me.id not in failed:
        failed.add(me.id)
        raise RuntimeError("half-way")


@functions.bind("sdk/peer")
def peer(context, message):
    caller = context.caller
    text = f"{caller.typename}/{caller.id} asked {context.address.id} {message.as_string()}"
    context.send(string_to(caller, text))


@functions.bind(
    "sdk/session",
    [
        ValueSpec("written", IntType, expire_after_write=timedelta(milliseconds=1000)),
        ValueSpec("called", IntType, expire_after_call=timedelta(milliseconds=2000)),
        ValueSpec("lasting", IntType, expire_after_write=timedelta(hours=1)),
    ],
)
def session(context, message):
    order = message.as_type(ORDER)
    storage = context.storage
    if order["act"] == "begin":
        storage.written = storage.called = storage.lasting = 1
    there = [name for name in ("written", "called", "lasting") if getattr(storage, name) is not None]
    said(context, " ".join([order["act"], *there]))


@functions.bind("sdk/sealed", [ValueSpec("total", IntType)])
def sealed(context, message):
    total = (context.storage.total or 0) + 1
    context.storage.total = total
    context.send(string_to(context.caller, f"sealed {total}"))


handler = RequestReplyHandler(functions)


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        try:
            status, answer = 200, handler.handle_sync(request)
        except Exception:
            traceback.print_exc()
            status, answer = 500, b""
        self.send_response(status)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class TlsServer(ThreadingHTTPServer):
    def __init__(self, port, folder):
        super().__init__(("127.0.0.1", port), Server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server-key.pem")
        context.load_verify_locations(f"{folder}/ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request, client_address):
        pass  # a client without a certificate


port, tls_port, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
threading.Thread(target=TlsServer(tls_port, folder).serve_forever, daemon=True).start()
plain = ThreadingHTTPServer(("127.0.0.1", port), Server)
print("serving", flush=True)
plain.serve_forever()

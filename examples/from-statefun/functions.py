"""Greets people: two functions with the Apache project's Python SDK, nothing else.

    python3 functions.py [PORT]        8000 without one
"""

import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from statefun import (
    IntType,
    RequestReplyHandler,
    StatefulFunctions,
    ValueSpec,
    kafka_egress_message,
    make_json_type,
    message_builder,
)

VISIT = make_json_type(typename="example/Visit")
GREETING = make_json_type(typename="example/Greeting")

functions = StatefulFunctions()


@functions.bind(typename="example/person", specs=[ValueSpec(name="visits", type=IntType)])
def person(context, message):
    """Remembers how often somebody came, and has the greeter say something fitting."""
    visit = message.as_type(VISIT)
    visits = (context.storage.visits or 0) + 1
    context.storage.visits = visits
    context.send(
        message_builder(
            target_typename="example/greeter",
            target_id=context.address.id,
            value={"name": visit["name"], "visits": visits},
            value_type=GREETING,
        )
    )


@functions.bind(typename="example/greeter")
def greeter(context, message):
    """Puts it into words, and sends them to a topic."""
    greeting = message.as_type(GREETING)
    context.send_egress(
        kafka_egress_message(
            typename="example/greetings",
            topic="greetings",
            key=context.address.id,
            value=words(greeting["name"], greeting["visits"]),
        )
    )


def words(name, visits):
    if visits == 1:
        return f"Welcome, {name}!"
    if visits == 2:
        return f"Nice to see you again, {name}."
    return f"{name}, this is your visit number {visits}."


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    handler = RequestReplyHandler(functions)

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        try:
            status, answer = 200, self.handler.handle_sync(request)
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


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    server = ThreadingHTTPServer(("127.0.0.1", port), Server)
    print(f"serving example/person and example/greeter at {port}", flush=True)
    server.serve_forever()

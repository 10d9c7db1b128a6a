#!/usr/bin/env python3
"""A hub on this machine: the part of the Hugging Face hub's API that downloads use, over a folder of repositories,
with faults on request. Python's standard library alone.

    hub_server.py ROOT LOG < SETTINGS

ROOT/ORG/NAME/... are the repositories' files; files of ROOT/ORG/NAME@REV/... are another revision. Prints the ports of
the hub and of its CDN, where large files are. Writes one JSON object per request to LOG, with the bytes of the body
that it sent. SETTINGS: {"token": "only with this one", "faults": [FAULT...]}; see Fault. Ends with standard input.
"""

import hashlib
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse

LARGE = (".safetensors", ".bin", ".ckpt", ".pt")  # kept in LFS, as the hub does


def git_digest(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class File:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.blob = git_digest(self.data)
        self.sha256 = hashlib.sha256(self.data).hexdigest() if path.endswith(LARGE) else None
        self.etag = self.sha256 or self.blob


class Repository:
    def __init__(self, folder):
        self.files = {}
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                self.files[os.path.relpath(path, folder)] = File(path)
        text = "".join(f"{name} {file.etag}\n" for name, file in sorted(self.files.items()))
        self.commit = hashlib.sha1(text.encode()).hexdigest()

    def info(self, name):
        siblings = []
        for path, file in sorted(self.files.items()):
            entry = {"rfilename": path, "size": len(file.data), "blobId": file.blob}
            if file.sha256:
                entry["lfs"] = {"sha256": file.sha256, "size": len(file.data), "pointerSize": 130}
            siblings.append(entry)
        return {"id": name, "modelId": name, "sha": self.commit, "private": False, "siblings": siblings}

    def tree(self):
        entries = []
        for path, file in sorted(self.files.items()):
            entry = {"type": "file", "path": path, "size": len(file.data), "oid": file.blob}
            if file.sha256:
                entry["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 130}
            entries.append(entry)
        return entries


class Fault:
    """Applies to the next `times` GETs (default: all) whose path contains `path`:
    status (with retry_after), cut: bytes of the body after which the connection ends, extra: bytes too many,
    short: bytes too few, flip: the byte at this place, location: redirect there, headers: bytes of headers,
    ignore_range, wrong_range, rate: bytes a second, stall: seconds after the first half, body: another JSON."""

    def __init__(self, settings):
        self.settings = settings
        self.left = settings.get("times", 1 << 30)


class Hub:
    def __init__(self, root, log, settings):
        self.root, self.log = root, open(log, "a", encoding="utf-8")
        self.token = settings.get("token")
        self.faults = [Fault(fault) for fault in settings.get("faults", [])]
        self.lock = threading.Lock()
        self.repositories = {}
        self.cdn_port = 0

    def fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault.settings.get("path", "") in path and fault.left > 0:
                    fault.left -= 1
                    return fault.settings
        return {}

    def find(self, name, revision):
        folder = os.path.join(self.root, name if revision == "main" else f"{name}@{revision}")
        with self.lock:
            for (known, _), repository in self.repositories.items():
                if known == name and repository.commit == revision:
                    return repository
            if not os.path.isdir(folder):
                return None
            if (name, revision) not in self.repositories:
                self.repositories[name, revision] = Repository(folder)
            return self.repositories[name, revision]

    def note(self, entry):
        with self.lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.serve(head=True)

    def do_GET(self):
        self.serve(head=False)

    def serve(self, head):
        self.head, self.sent = head, 0
        self.path_here = urllib.parse.unquote(self.path.split("?")[0])
        self.fault = {} if head else self.hub.fault(self.path)
        self.status = 0
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        self.hub.note({"method": self.command, "path": self.path, "port": self.server.server_port,
                       "status": self.status, "range": self.headers.get("Range"), "sent": self.sent,
                       "authorization": self.headers.get("Authorization")})

    def route(self):
        if "status" in self.fault:
            headers = {"Retry-After": self.fault["retry_after"]} if "retry_after" in self.fault else {}
            return self.answer(self.fault["status"], b"<html>busy</html>", headers)
        if "location" in self.fault:
            place = self.fault["location"].replace("SELF", self.path).replace("CDN", str(self.hub.cdn_port))
            return self.answer(302, b"", {"Location": place})
        if self.server.server_port == self.hub.cdn_port:
            return self.serve_blob()
        authorization = self.headers.get("Authorization")
        if self.hub.token and authorization != f"Bearer {self.hub.token}":
            code = "GatedRepo" if authorization else "RepoNotFound"
            return self.refuse(403 if authorization else 401, code, "Access to this model is restricted.")
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", self.path.split("?")[0])
        if match:
            return self.serve_api(match[1], match[2] or "revision", urllib.parse.unquote(match[3] or "main"))
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path.split("?")[0])
        if match:
            return self.serve_file(match[1], *map(urllib.parse.unquote, match.groups()[1:]))
        self.refuse(404, "EntryNotFound", "Not found")

    def serve_api(self, name, kind, revision):
        repository = self.hub.find(name, revision)
        if not repository:
            known = self.hub.find(name, "main")
            return self.refuse(404, "RevisionNotFound" if known else "RepoNotFound", f"Invalid rev id: {revision}")
        value = self.fault.get("body", repository.tree() if kind == "tree" else repository.info(name))
        data = value if isinstance(value, str) else json.dumps(value)
        self.answer(200, data.encode(), {"Content-Type": "application/json", "X-Repo-Commit": repository.commit})

    def serve_file(self, name, revision, path):
        repository = self.hub.find(name, revision)
        file = repository.files.get(path) if repository else None
        if not file:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{file.blob}"', "Accept-Ranges": "bytes"}
        if file.sha256:
            headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(len(file.data)),
                        "Location": f"http://localhost:{self.hub.cdn_port}/{name}/{revision}/{path}?signature=x"}
            return self.answer(302, b"", headers)
        self.send_file(file, headers)

    def serve_blob(self):
        _, owner, name, revision, path = self.path_here.split("/", 4)
        repository = self.hub.find(f"{owner}/{name}", revision)
        file = repository.files[path]
        self.send_file(file, {"ETag": f'"{file.sha256}"', "Accept-Ranges": "bytes"})

    def send_file(self, file, headers):
        data, status = file.data, 200
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if match and not self.fault.get("ignore_range"):
            start = int(match[1])
            if start >= len(data):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            told = 0 if self.fault.get("wrong_range") else start
            headers["Content-Range"] = f"bytes {told}-{len(data) - 1}/{len(data)}"
            data, status = data[start:], 206
        self.answer(status, data, headers)

    def refuse(self, status, code, message):
        self.answer(status, message.encode(), {"X-Error-Code": code, "X-Error-Message": message})

    def answer(self, status, data, headers):
        if status in (200, 206):
            if "flip" in self.fault and len(data) > self.fault["flip"]:
                at = self.fault["flip"]
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            data += b"x" * self.fault.get("extra", 0)
            data = data[:len(data) - self.fault.get("short", 0)]
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        for i in range(self.fault.get("headers", 0) // 1000):
            self.send_header(f"X-Padding-{i}", "x" * 1000)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not self.head:
            self.send_body(data)

    def send_body(self, data):
        cut = self.fault.get("cut", len(data))
        rate = self.fault.get("rate")
        piece = max(1, rate // 20) if rate else 1 << 16
        for start in range(0, min(cut, len(data)), piece):
            part = data[start:min(start + piece, cut)]
            self.wfile.write(part)
            self.sent += len(part)
            if rate:
                time.sleep(0.05)
            if "stall" in self.fault and self.sent * 2 >= len(data) > 2 * (self.sent - len(part)):
                self.wfile.flush()
                time.sleep(self.fault["stall"])
        if cut < len(data):
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who asked has gone


def main():
    hub = Hub(sys.argv[1], sys.argv[2], json.loads(sys.stdin.readline() or "{}"))
    Handler.hub = hub
    servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
    hub.cdn_port = servers[1].server_port
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(servers[0].server_port, servers[1].server_port, flush=True)
    sys.stdin.read()


main()

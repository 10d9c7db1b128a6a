# A small client of the Chrome DevTools protocol, on the standard library alone: starts headless Chromium, opens one
# page, sends keys and mouse, evaluates script, and keeps what the page asked for and complained about. It talks through
# Chromium's debugging pipe (descriptors 3 and 4, each message ends with NUL): no port, no WebSocket.
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

KEYS = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""), " ": ("Space", 32, " "),
        "ArrowLeft": ("ArrowLeft", 37, ""), "ArrowUp": ("ArrowUp", 38, ""), "ArrowRight": ("ArrowRight", 39, ""),
        "ArrowDown": ("ArrowDown", 40, ""), "Home": ("Home", 36, ""), "End": ("End", 35, "")}
SHIFT = 8


def find_chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One Chromium process with one page; a context manager."""

    def __init__(self, program, folder=None):
        self.profile = tempfile.mkdtemp(prefix="unclip-chromium-", dir=folder)
        flags = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--no-first-run",
                 "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
                 "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--no-proxy-server"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium's sandbox does not run as root
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        ends = f'exec 3< /dev/fd/{commands} 4> /dev/fd/{answers}; exec "$@"'
        self.process = subprocess.Popen(["/bin/sh", "-c", ends, "sh", program, *flags], pass_fds=(commands, answers),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.unread, self.last, self.session = b"", 0, None
        self.requests, self.complaints = [], []  # addresses; console errors, exceptions, CSP violations
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close", timeout=5)
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- The protocol

    def call(self, method, timeout=30, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while True:
            answer = self._read(end)
            if answer is None:
                raise RuntimeError(f"no answer to {method} within {timeout} s")
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _read(self, end):
        while b"\0" not in self.unread:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                return None
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has ended")
            self.unread += piece
        line, self.unread = self.unread.split(b"\0", 1)
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Audits.issueAdded" and "ContentSecurityPolicy" in params["issue"]["code"]:
            self.complaints.append(json.dumps(params["issue"]))

    # ---- What a person does

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True,
                           userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(f"{script}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def until(self, script, timeout=30):
        end = time.monotonic() + timeout
        while True:
            value = self.evaluate(script)
            if value:
                return value
            if time.monotonic() > end:
                shown = self.evaluate("document.body.innerText")
                raise AssertionError(f"not within {timeout} s: {script}\nshown: {shown}\nconsole: {self.complaints}")
            time.sleep(0.05)

    def key(self, name, modifiers=0, times=1, release=True):
        code, number, text = KEYS[name]
        common = {"key": name, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
            if release:
                self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        for letter in text:
            self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def tab_to(self, selector, back=False, limit=80):
        """Presses Tab until the focus is on `selector`."""
        for _ in range(limit):
            if self.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return
            self.key("Tab", SHIFT if back else 0)
        raise AssertionError(f"Tab does not reach {selector}")

    def box(self, selector):
        return self.evaluate(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getBoundingClientRect();
            return [r.x, r.y, r.width, r.height]; }})()""")

    def drag(self, points, pointer="mouse"):  # or "pen"
        x, y = points[0]
        button = {"button": "left", "clickCount": 1, "pointerType": pointer}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, pointerType=pointer)
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **button)
        for x, y in points[1:]:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=1, **button)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **button)

    def touch(self, points):
        self.call("Emulation.setTouchEmulationEnabled", enabled=True)
        for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * len(points), points):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.call("Emulation.setTouchEmulationEnabled", enabled=False)

    def click(self, selector):
        x, y, width, height = self.box(selector)
        self.drag([(x + width / 2, y + height / 2)])

    def resize(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, **features):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def screenshot(self, file, whole=False):
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(file, "wb") as out:
            out.write(base64.b64decode(picture["data"]))

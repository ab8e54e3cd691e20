#!/usr/bin/env python3
"""Opens a report page in headless Chromium, wide and narrow, light and dark, and fails on a console error, an undrawn chart, a
chart or a grid of images that cannot be saved, a request beyond the file itself, or a page that is wider than its window.

    check_page.py PAGE [--screenshots FOLDER | --if-there]

Exits 77 (CTest's skip) where there is no Chromium, or, with --if-there, no page. Needs nothing but Python: Chromium is spoken to through a pipe.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

SKIP = 77
VIEWS = [("wide-light", 1280, "light"), ("narrow-light", 390, "light"), ("wide-dark", 1280, "dark"), ("narrow-dark", 390, "dark")]
PROBE = """(() => {
  const plots = [...document.querySelectorAll(".plot")];
  return JSON.stringify({
    state: document.documentElement.dataset.charts || "",
    plots: plots.length,
    undrawn: plots.filter((plot) => {
      const drawing = plot.querySelector("svg, canvas");
      if (!drawing || drawing.getBoundingClientRect().height < 40) return true;
      return drawing.tagName === "svg" && !drawing.querySelector(".mark-symbol path, .mark-rect path, .mark-line path");
    }).map((plot) => plot.dataset.figure),
    cut: plots.filter((plot) => {
      const drawing = plot.querySelector("svg, canvas");
      return drawing && drawing.getBoundingClientRect().right > plot.getBoundingClientRect().right + 1;
    }).map((plot) => plot.dataset.figure),
    unsaved: plots.filter((plot) => [...plot.closest("figure").querySelectorAll(".save button")]
      .map((button) => button.textContent).join() !== "SVG,PNG").map((plot) => plot.dataset.figure),
    broken: [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  });
})()"""


# What is saved of each grid: its images, one for one and crisp, beside the words of its rows.
GRIDS = """(async () => {
  const grids = [...document.querySelectorAll("table[data-figure]")], faults = [];
  for (const grid of grids) {
    const name = grid.dataset.figure, cells = [...grid.querySelectorAll(".cell")], saved = await hourglassFigure(name);
    const svg = new DOMParser().parseFromString(saved.svg, "image/svg+xml"), images = [...svg.querySelectorAll("image")];
    const addresses = images.map((image) => image.getAttribute("href") || image.getAttribute("xlink:href"));
    const words = [...svg.querySelectorAll("text")].map((text) => text.textContent), picture = new Image();
    picture.src = saved.png;
    await picture.decode().catch(() => faults.push(`${name}: the PNG cannot be read`));
    if (grid.closest("figure").querySelectorAll(".save button").length !== 2) faults.push(`${name}: no buttons`);
    if (images.length !== cells.length) faults.push(`${name}: ${images.length} of ${cells.length} images are saved`);
    if (!addresses.every((address) => address.startsWith("data:image/png;base64,"))) faults.push(`${name}: not all in the file`);
    if (new Set(addresses).size < Math.min(2, cells.length)) faults.push(`${name}: the images are all the same`);
    if (!images.every((image) => image.getAttribute("style").includes("pixelated"))) faults.push(`${name}: images are smoothed`);
    for (const row of grid.querySelectorAll("tr:not(.measure) th"))
      if (!words.includes(row.textContent)) faults.push(`${name}: the row ${row.textContent} has no name`);
    if (picture.naturalWidth < 3 * 28) faults.push(`${name}: the PNG is ${picture.naturalWidth} pixels wide`);
  }
  return JSON.stringify({grids: grids.length, faults});
})()"""


class Browser:
    """Chromium's DevTools protocol over file descriptors 3 and 4: messages are JSON, ended by a zero byte."""

    def __init__(self, program, profile):
        there, self.output = os.pipe()
        self.input, back = os.pipe()

        def connect():
            # Through high numbers first: the pipes may themselves sit on 3 and 4.
            os.dup2(there, 103)
            os.dup2(back, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
                   "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self.process = subprocess.Popen([program, *options], preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(there)
        os.close(back)
        self.pending, self.number, self.events, self.session = b"", 0, [], None

    def receive(self):
        while b"\0" not in self.pending:
            chunk = os.read(self.input, 1 << 16)
            if not chunk:
                raise RuntimeError("Chromium ended early")
            self.pending += chunk
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression, wait=False):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait)
        return answer["result"].get("value")

    def open_tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        self.process.kill()
        self.process.wait()


def wait_for_charts(browser, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if browser.evaluate("document.readyState === 'complete' && document.documentElement.dataset.charts === 'drawn'"):
            return
        if any(event["method"] == "Runtime.exceptionThrown" for event in browser.events):
            return
        time.sleep(0.1)


def complaints(events, address):
    for event in events:
        parameters = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            yield "exception: " + details.get("exception", {}).get("description", details["text"])
        elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            yield "console: " + " ".join(str(a.get("value", a.get("description", ""))) for a in parameters["args"])
        elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            yield "log: " + parameters["entry"]["text"]
        elif event["method"] == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if not url.startswith("data:") and url.split("#")[0] != address:
                yield "request: " + url


def take_screenshots(browser, name, width, screenshots, strip=2000):
    screenshots.mkdir(parents=True, exist_ok=True)
    height = browser.evaluate("document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, height, strip)):
        clip = {"x": 0, "y": top, "width": width, "height": min(strip, height - top), "scale": 1}
        image = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png", clip=clip)["data"]
        (screenshots / f"{name}-{number}.png").write_bytes(base64.b64decode(image))


def check_view(browser, address, name, width, theme, screenshots):
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.call("Page.navigate", url=address)
    wait_for_charts(browser)
    browser.evaluate("hourglassOpenAll()", wait=True)
    probe = json.loads(browser.evaluate(PROBE))
    faults = list(complaints(browser.events, address))
    if probe["state"] != "drawn" or probe["undrawn"]:
        faults.append(f"undrawn charts: {probe['undrawn']} of {probe['plots']}")
    if probe["plots"] == 0:
        faults.append("the page has no charts")
    if probe["cut"]:
        faults.append(f"charts wider than their place: {probe['cut']}")
    if probe["unsaved"]:
        faults.append(f"charts without buttons that save them: {probe['unsaved']}")
    if probe["broken"]:
        faults.append(f"{probe['broken']} images cannot be shown")
    if probe["overflow"] > 0:
        faults.append(f"the page is {probe['overflow']} pixels wider than its window")
    grids = json.loads(browser.evaluate(GRIDS, wait=True))
    faults += grids["faults"]
    if screenshots:
        take_screenshots(browser, name, width, screenshots)
    print(f"{name}: {probe['plots']} charts, {grids['grids']} grids, {len(faults)} faults")
    return [f"{name}: {fault}" for fault in faults]


def print_to_pdf(browser, screenshots):
    pdf = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
    (screenshots / "print.pdf").write_bytes(base64.b64decode(pdf))


def main(arguments):
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("no Chromium here; skipped")
        return SKIP
    if arguments[1:] == ["--if-there"] and not pathlib.Path(arguments[0]).exists():
        print("no page here; skipped")
        return SKIP
    address = pathlib.Path(arguments[0]).resolve().as_uri()
    screenshots = pathlib.Path(arguments[2]) if len(arguments) == 3 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            browser.open_tab()
            views = VIEWS if screenshots else VIEWS[:2]
            faults = [fault for view in views for fault in check_view(browser, address, *view, screenshots)]
            if screenshots:
                print_to_pdf(browser, screenshots)
        finally:
            browser.close()
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main(sys.argv[1:]))
